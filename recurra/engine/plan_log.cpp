#include "recurra/engine/plan_log.h"

#include <array>
#include <atomic>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "recurra/base/error.h"

namespace recurra {

namespace {

bool read_environment() {
  const char* given = std::getenv("RECURRA_LOG");
  const std::string_view text = given != nullptr ? given : "";
  if (text.empty() || text == "plan") return !text.empty();
  throw Error(
      ErrorCode::invalid_argument, "RECURRA_LOG", "plan", std::string("\"").append(text).append("\""));
}

bool is_on() noexcept {
  return logs_plans();  // it was read when the call was checked
}

using Line = std::array<char, 320>;
using Head = std::array<char, 160>;

/// Whether a line is not to be written: it was, or there is no room to know of it.
bool is_known(const Line& line) noexcept {
  static std::array<std::atomic<std::uint64_t>, 1024> known;  // hashes; 0: free
  std::uint64_t hash = 14'695'981'039'346'656'037U;           // FNV-1a
  for (const char c : std::string_view(line.data()))
    hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211U;
  for (std::size_t i = 0; i < known.size(); ++i) {
    std::uint64_t there = 0;
    if (known[(hash + i) % known.size()].compare_exchange_strong(there, hash)) return false;
    if (there == hash) return true;
  }
  return true;
}

template <class... Args>
void log(const char* format, Args... args) noexcept {
  Line line{};
  static_cast<void>(std::snprintf(line.data(), line.size(), format, args...));
  if (!is_known(line)) static_cast<void>(std::fputs(line.data(), stderr));
}

const char* name_of(bool back) noexcept {
  return back ? "back" : "forward";
}

struct Sizes {
  i64 steps, rows;
};

/// What all lines begin with.
Head head_of(const Plan& plan, const char* what, const char* ways, const Sizes& sizes, bool back) noexcept {
  Head head{};
  static_cast<void>(std::snprintf(head.data(),
                                  head.size(),
                                  "recurra plan: %s %s %d->%d%s, %" PRId64 " steps, %" PRId64 " rows, %s",
                                  plan.target().name,
                                  what,
                                  plan.input(),
                                  plan.units(),
                                  ways,
                                  sizes.steps,
                                  sizes.rows,
                                  name_of(back)));
  return head;
}

double us(double ns) noexcept {
  return ns / 1000;
}

}  // namespace

bool logs_plans() {
  static const bool on = read_environment();
  return on;
}

void log_split(
    const Plan& plan, const PassShape& shape, const Split& chosen, int threads, int panels) noexcept {
  if (!is_on()) return;
  const auto cost = [&](Schedule schedule, i64 most) {
    const auto count = static_cast<int>(std::max<i64>(1, std::min<i64>(threads, most)));
    return us(pass_cost(plan, shape, {schedule, count}) + waking_cost(count));
  };
  log("%s: %s on %d of %d threads; us: one %.1f, rows %.1f, units %.1f\n",
      head_of(plan, plan.recurrence().cell.c_str(), "", {shape.steps, shape.rows}, shape.back).data(),
      chosen.threads == 1                 ? "one"
      : chosen.schedule == Schedule::rows ? "rows"
                                          : "units",
      chosen.threads,
      threads,
      cost(Schedule::rows, 1),
      cost(Schedule::rows, shape.rows),
      cost(Schedule::units, panels));
}

void log_directions(const Plan& plan, const PassShape& shape, const DirectionChoice& choice) noexcept {
  if (!is_on()) return;
  log("%s: %s on %d threads; us: together %.1f, in_turn %.1f\n",
      head_of(plan, plan.recurrence().cell.c_str(), " both ways", {shape.steps, shape.rows}, shape.back)
          .data(),
      choice.together ? "together" : "in_turn",
      choice.threads,
      us(choice.cost_together),
      us(choice.cost_in_turn));
}

void log_wave(const StackPlan& plan, const StackCall& call, bool back, const WaveChoice& choice) noexcept {
  if (!is_on()) return;
  const Plan& lowest = plan.plan(0, 0);
  const std::string_view cell = lowest.recurrence().cell;
  std::array<char, 64> what{};
  static_cast<void>(std::snprintf(what.data(),
                                  what.size(),
                                  "stack of %d, %.*s",
                                  plan.layers(),
                                  static_cast<int>(cell.size()),
                                  cell.data()));
  log("%s: %s, chunks of %" PRId64 " steps, on %d threads; us: wavefront %.1f, layer_by_layer %.1f\n",
      head_of(lowest, what.data(), "", {call.steps, call.batch}, back).data(),
      choice.steps > 0 ? "wavefront" : "layer_by_layer",
      choice.steps > 0 ? choice.steps : call.steps,
      choice.threads,
      us(choice.cost_wavefront),
      us(choice.cost_in_turn));
}

}  // namespace recurra
