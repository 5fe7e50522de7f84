/// recurra bench: times the engine on rows of a JSON file, or an epoch of the guide's digit model.
#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <regex.h>

#include "recurra/base/error.h"
#include "recurra/base/file.h"
#include "recurra/cli/commands.h"
#include "recurra/cli/digits.h"
#include "recurra/cli/numbers.h"
#include "recurra/engine/engine.h"
#include "recurra/layers/json_text.h"
#include "recurra/training/sequential.h"

namespace recurra::cli {

namespace {

using Json = nlohmann::json;

struct BenchOptions {
  std::string rows;
  std::string only;
  std::string epoch;
  std::string data_folder = "data/mnist";
  i64 epochs = 2;
  std::optional<double> seconds{};
  int threads = 0;
  bool json = false;
};

/// A line of the rows file.
struct Row {
  std::string name, mode, cell;
  i64 input, units, batch, steps;

  [[nodiscard]] double flops(const Plan& plan) const {
    const double multiply_adds = static_cast<double>(plan.input_work() + plan.recurrent_work());
    return 2.0 * multiply_adds * static_cast<double>(batch * steps) * (mode == "train" ? 3.0 : 1.0);
  }
};

double seconds_of(const auto& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Shortest of at least three calls within `seconds`, after three that warm up.
double best_seconds(double seconds, const auto& work) {
  for (int i = 0; i < 3; ++i) work();
  double best = std::numeric_limits<double>::infinity();
  double used = 0.0;
  for (int calls = 0; calls < 3 || used < seconds; ++calls) {
    const double time = seconds_of(work);
    best = std::min(best, time);
    used += time;
  }
  return best;
}

Row parse_row(const Json& json) {
  const auto expect = [&](const char* key, const Json& supported) {
    const Json value = json.value(key, Json());
    if (std::ranges::find(supported, value) == supported.end()) {
      throw Error(ErrorCode::unsupported,
                  key,
                  supported.dump(),
                  value.is_string() ? value.get<std::string>() : value.dump());
    }
    return value;
  };
  static_cast<void>(expect("dtype", {"f32"}));
  static_cast<void>(expect("layers", {1}));
  static_cast<void>(expect("bidirectional", {false}));
  const std::string cell = expect("cell", {"lstm", "rnn_tanh"});
  return {json.at("name"),
          expect("mode", {"infer", "train", "step"}),
          cell == "lstm" ? "lstm" : "vanilla",
          json.at("input"),
          json.at("hidden"),
          json.at("batch"),
          json.at("steps")};
}

/// Everything one row needs; call `run` to do the timed work once.
class RowRun {
 public:
  RowRun(const Row& row, int threads)
      : row_(row),
        plan_(Recurrence{.cell = row.cell, .input = row.input, .units = row.units}),
        packs_(plan_, row.mode == "train" ? PackedWeights::Use::training : PackedWeights::Use::inference) {
    execution_.threads = threads;
    const i64 gates = plan_.cell().gates;
    Random random(0);
    for (auto [tensor, size] : {std::pair{&W_, row.input * gates * row.units},
                                {&U_, row.units * gates * row.units},
                                {&b_, gates * row.units},
                                {&x_, row.batch * row.steps * row.input}}) {
      *tensor = Tensor({size});
      for (float& value : tensor->as<float>()) value = random.uniform(-0.1F, 0.1F);
    }
    y_ = Tensor({row.batch * row.steps * row.units});
    weights_ = {.W = W_.data(), .U = U_.data(), .b = b_.data()};
    packs_.pack(plan_, weights_, execution_);
    workspace_.prepare(plan_, {.steps = row.steps, .batch = row.batch, .training = row.mode == "train"});
    call_.steps = row.steps;
    call_.batch = row.batch;
    call_.x = time_major<const float>(x_.data(), row.batch, row.input);
    call_.y = time_major(y_.data(), row.batch, row.units);
    if (row.mode == "step") prepare_step();
    if (row.mode == "train") prepare_training();
  }

  void run() {
    if (row_.mode == "step") {
      step(plan_, packs_, row_.batch, x_.data(), states_, workspace_, execution_);
      return;
    }
    const bool training = row_.mode == "train";
    if (training) packs_.pack(plan_, weights_, execution_);  // weights change at every training step
    forward(plan_, packs_, call_, workspace_, training, execution_);
    if (training) backward(plan_, packs_, call_, back_, workspace_, execution_);
  }

  [[nodiscard]] const Plan& plan() const noexcept { return plan_; }

 private:
  void prepare_step() {
    for (int k = 0; k < plan_.cell().states; ++k) {
      state_[k] = Tensor({row_.batch * row_.units});
      states_[k] = state_[k].data();
    }
  }

  void prepare_training() {
    dy_ = y_;
    std::ranges::fill(dy_.as<float>(), 1.0F);
    dx_ = x_;
    dW_ = W_;
    dU_ = U_;
    db_ = b_;
    back_.dy = time_major<const float>(dy_.data(), row_.batch, row_.units);
    back_.dx = time_major(dx_.data(), row_.batch, row_.input);
    back_.d_weights = {.W = dW_.data(), .U = dU_.data(), .b = db_.data()};
  }

  Row row_;
  Plan plan_;
  PackedWeights packs_;
  Workspace workspace_;
  Execution execution_;
  Tensor W_, U_, b_, x_, y_, dy_, dx_, dW_, dU_, db_, state_[max_states];
  float* states_[max_states] = {};
  Weights weights_;
  Call call_;
  BackwardCall back_;
};

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

void bench_rows(const BenchOptions& options) {
  const Json rows = parse_json(read_file(options.rows), options.rows);
  if (!rows.is_array()) throw Error(ErrorCode::format, options.rows, "a JSON list of rows", "something else");
  const Pattern only(options.only);
  for (const Json& json : rows) {
    const std::string name = json.value("name", "");
    if (!only.matches(name)) continue;
    Json line = {{"row", name}, {"peer", "recurra"}};
    try {
      const Row row = parse_row(json);
      RowRun run(row, options.threads);
      const double seconds = best_seconds(options.seconds.value_or(0.6), [&] { run.run(); });
      line["ms"] = seconds * 1e3;
      line["gflops"] = std::round(row.flops(run.plan()) / seconds / 1e8) / 10.0;
    } catch (const std::exception& error) {
      line["error"] = error.what();
    }
    if (options.json) {
      fmt::print("{}\n", line.dump());
    } else if (line.contains("error")) {
      fmt::print("{:<28} {}\n", name, line["error"].get<std::string>());
    } else {
      fmt::print("{:<28} {:>10.4f} ms {:>8.1f} GF/s\n",
                 name,
                 line["ms"].get<double>(),
                 line["gflops"].get<double>());
    }
    std::fflush(stdout);
  }
}

/// The demo's training; the figures of the fastest epoch.
void bench_epoch(const BenchOptions& options) {
  const Digits digits = load_digits(options.epoch, options.data_folder);
  Sequential model(parse_model("lstm:64,batch_norm,dense:10"));
  model.set_threads(options.threads);
  model.compile(make_optimizer("sgd"), make_loss("sparse_categorical_crossentropy"), {"accuracy"});
  FitOptions fit;
  fit.batch_size = 64;
  fit.epochs = options.epochs;
  const History history = model.fit(digits.train, fit);
  const double seconds = *std::ranges::min_element(history.seconds);
  const double accuracy = model.evaluate(digits.test, 64)["accuracy"];
  if (options.json) {
    const Json line = {
        {"peer", "recurra"}, {"threads", options.threads}, {"seconds", seconds}, {"accuracy", accuracy}};
    fmt::print("{}\n", line.dump());
  } else {
    fmt::print("epoch {:.3f} s, accuracy on the test digits {:.4f}\n", seconds, accuracy);
  }
}

void bench(const BenchOptions& options) {
  if (options.rows.empty() == options.epoch.empty()) throw CLI::RequiredError("One of --rows and --epoch");
  options.rows.empty() ? bench_epoch(options) : bench_rows(options);
}

}  // namespace

void add_bench(CLI::App& app) {
  auto* command = app.add_subcommand("bench", "Time the engine");
  auto options = std::make_shared<BenchOptions>();
  command->add_option(
      "--rows", options->rows, "JSON list of rows: name, mode, cell, input, hidden, batch, steps, …");
  command->add_option("--only", options->only, "Rows whose name has a match of this regular expression");
  command->add_option("--epoch", options->epoch, "Time epochs of the digit model on a data set: mnist");
  add_integer(*command, "--epochs", options->epochs, {1}, "Epochs to time, for --epoch");
  command->add_option("--data-dir", options->data_folder, "Folder of the data set's files")
      ->capture_default_str();
  add_real(*command, "--seconds", options->seconds, {.above = 0.0}, "Time for each row; default: 0.6");
  add_threads(*command, options->threads);
  command->add_flag("--json", options->json, "One JSON line for each result");
  command->callback([options] { bench(*options); });
}

}  // namespace recurra::cli
