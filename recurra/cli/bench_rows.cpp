#include "recurra/cli/bench_rows.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <regex.h>

#include "recurra/base/error.h"
#include "recurra/base/file.h"
#include "recurra/base/threads.h"
#include "recurra/cli/machine_speed.h"
#include "recurra/cli/row_floor.h"
#include "recurra/cli/row_run.h"
#include "recurra/layers/json_text.h"

namespace recurra::cli {

namespace {

using Json = nlohmann::json;

double seconds_of(const auto& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Seconds of a call: the least of at least three within `seconds`, after three that warm up. Calls shorter
/// than 20 us are timed many at once, so that reading the clock, some 30 ns, is no part of them.
double best_seconds(double seconds, const auto& work) {
  constexpr double least = 20e-6;
  double last = 0.0;
  for (int i = 0; i < 3; ++i) last = seconds_of(work);
  const int together = last >= least ? 1 : static_cast<int>(std::min(1e4, least / std::max(last, 1e-9))) + 1;
  double best = std::numeric_limits<double>::infinity();
  double used = 0.0;
  for (int times = 0; times < 3 || used < seconds; ++times) {
    const double time = seconds_of([&] {
      for (int i = 0; i < together; ++i) work();
    });
    best = std::min(best, time / together);
    used += time;
  }
  return best;
}

/// A POSIX extended regular expression; <regex> would take longer to compile than the rest of the program.
class Pattern {
 public:
  explicit Pattern(const std::string& text) {
    if (regcomp(&compiled_, text.c_str(), REG_EXTENDED | REG_NOSUB) == 0) return;
    throw Error(ErrorCode::invalid_argument, "only", "a regular expression", text);
  }

  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  ~Pattern() { regfree(&compiled_); }

  [[nodiscard]] bool matches(const std::string& text) const {
    return regexec(&compiled_, text.c_str(), 0, nullptr, 0) == 0;
  }

 private:
  regex_t compiled_{};
};

std::string name_of(const Json& json) {
  const Json name = json.value("name", Json());
  return name.is_string() ? name.get<std::string>() : std::string();
}

/// To so many digits behind the point.
double rounded(double value, int digits) {
  const double scale = std::pow(10.0, digits);
  return std::round(value * scale) / scale;
}

/// The figures of a row that has run.
void add_figures(Json& line, const Row& row, RowRun& run, const RowOptions& options, int threads) {
  const MachineSpeed before = measure_speed(threads);
  const double seconds = best_seconds(options.seconds, [&] { run.run(); });
  const double packing = best_seconds(0.1 * options.seconds, [&] { run.pack(); });
  const MachineSpeed speed = before.best(measure_speed(threads));
  const double floor = floor_seconds(row, run.plan(), speed);
  const double rate = row.flops(run.plan()) / seconds;
  line["ms"] = seconds * 1e3;
  line["gflops"] = rounded(rate / 1e9, 3);
  line["pack_ms"] = packing * 1e3;
  line["threads"] = threads;
  line["target"] = run.report().target;
  line["peak_gflops"] = rounded(speed.flops / 1e9, 3);
  for (const MachineSpeed::Level& level : speed.levels)
    line["read_gb_s"].push_back(rounded(level.rate / 1e9, 3));
  line["of_peak"] = rounded(rate / speed.flops, 4);
  line["floor_ms"] = floor * 1e3;
  line["of_floor"] = rounded(floor / seconds, 4);
}

/// What is measured of a row, or why nothing is.
Json measured(const Json& json, const RowOptions& options) {
  Json line = {{"row", name_of(json)}, {"peer", "recurra"}};
  try {
    const Row row = parse_row(json);
    const int used = options.threads > 0 ? options.threads : threads();
    RowRun run(row, used);
    add_figures(line, row, run, options, used);
  } catch (const std::exception& error) {
    line["error"] = error.what();
  }
  return line;
}

void print_line(const Json& line) {
  const auto number = [&](const char* key) {
    return line[key].get<double>();
  };
  const auto name = line["row"].get<std::string>();
  if (line.contains("error")) return fmt::print("{:<28} {}\n", name, line["error"].get<std::string>());
  fmt::print("{:<28} {:>11.4f} {:>8.1f} {:>6.0f} % {:>11.4f} {:>6.0f} % {:>11.4f}\n",
             name,
             number("ms"),
             number("gflops"),
             100.0 * number("of_peak"),
             number("floor_ms"),
             100.0 * number("of_floor"),
             number("pack_ms"));
}

}  // namespace

void bench_rows(const RowOptions& options) {
  const Json rows = parse_json(read_file(options.path), options.path);
  if (!rows.is_array()) throw Error(ErrorCode::format, options.path, "a JSON list of rows", "something else");
  const Pattern only(options.only);
  if (!options.json) {
    fmt::print("{:<28} {:>11} {:>8} {:>8} {:>11} {:>8} {:>11}\n",
               "row",
               "ms",
               "GF/s",
               "of peak",
               "floor ms",
               "of floor",
               "packing ms");
  }
  for (const Json& json : rows) {
    if (!json.is_object())
      throw Error(ErrorCode::format, options.path, "rows that are JSON objects", json.dump());
    if (!only.matches(name_of(json))) continue;
    const Json line = measured(json, options);
    if (options.json) {
      fmt::print("{}\n", line.dump());
    } else {
      print_line(line);
    }
    std::fflush(stdout);
  }
}

}  // namespace recurra::cli
