#include "recurra/engine/cost.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "recurra/base/cpu.h"

namespace recurra {

namespace {

/// What one thread of a target does in a nanosecond, on the processors these were measured on (Zen 4, Zen 3):
/// the ratios between them decide, and these differ less from processor to processor than the numbers.
struct Speeds {
  std::string_view target;
  double multiply_adds;  // in products of many rows
  double second_level;   // bytes of weights read from the second-level cache
  double behind;         // and from behind it
};

constexpr Speeds speeds[] = {
    {"avx512", 70, 95, 70},
    {"avx2", 36, 80, 60},
    {"neon", 18, 40, 25},
    {"scalar", 5, 20, 20},
};

// A flag that another member has just set is seen after some 100 ns where the processors are neighbours, and
// the slower of the members is waited for: 250 ns in all. On the same machine it was 900 at other times, when
// a virtual processor ran elsewhere. Nobody is to be slower than on one thread then, so the larger counts.
constexpr double stage_cost = 700;
constexpr double member_cost = 25;

// Then each reads what the others have written: lines that come from their caches, several at a time.
constexpr double line_cost = 20;

constexpr double wake_cost = 2500;

// Epilogues: of a vector of units of one row, on the way forward.
constexpr double finish_cost = 6;

// On the way back a chunk of steps ends with a barrier, behind which the members' shares are uneven.
constexpr double chunk_cost = 1000;

// Of the time on one thread: more must be gained, since other work on the machine makes threads wait.
constexpr double least_gain = 0.93;

const Speeds& speeds_of(const Target& target) noexcept {
  for (const Speeds& one : speeds) {
    if (one.target == target.name) return one;
  }
  return speeds[std::size(speeds) - 1];
}

/// Nanoseconds to read `bytes` once a step: with the order of panels turned round at every step, what fits
/// stays in the second level.
double reading_cost(const Speeds& speed, double bytes, int streams) noexcept {
  static const double near = 0.8 * static_cast<double>(second_level_cache());
  const double far = speed.behind / (1 + 0.2 * streams);
  return bytes <= near ? bytes / speed.second_level : near / speed.second_level + (bytes - near) / far;
}

/// Multiply-adds of a product of few rows take longer: a tile of one row has one for each weight it loads.
double fill_of(double rows, int most_rows) noexcept {
  return std::clamp(rows / most_rows, 0.4, 1.0);
}

}  // namespace

PassShape shape_of(const Memory& m, bool back) noexcept {
  return {m.running, m.running > 0 ? m.active(0) : 0, m.all_rows, back};
}

double pass_cost(const Plan& plan, const PassShape& shape, const Split& split, int streams) noexcept {
  if (shape.steps == 0) return 0;
  const Speeds& speed = speeds_of(plan.target());
  const auto threads = static_cast<double>(split.threads);
  const bool by_rows = split.schedule == Schedule::rows;
  const double steps = static_cast<double>(shape.steps);
  double rows = static_cast<double>(shape.all_rows) / steps;  // of a step, on average
  double units = 1;                                           // a member's part of them
  if (by_rows) {
    rows = rows / threads * (shape.rows % split.threads == 0 ? 1 : 1 + 0.5 * threads / rows);
  } else {
    units = 1 / threads;
  }
  const double work = static_cast<double>(plan.recurrent_work()) * units;
  const double multiplying = rows * work / speed.multiply_adds / fill_of(rows, plan.target().most_rows);
  const double reading = reading_cost(speed, work * sizeof(float), streams + split.threads - 1);
  const double vectors = static_cast<double>(plan.padded()) / plan.target().width * units;
  // The one hides most of the other.
  double step =
      std::max(multiplying, reading) + 0.3 * std::min(multiplying, reading) + rows * vectors * finish_cost;
  const bool waits = !by_rows && split.threads > 1 && plan.cell().dense;
  const int stages = plan.cell().phases + (plan.projected() ? 1 : 0) + (plan.finishes_rows() ? 1 : 0);
  const double lines = rows * plan.width() * sizeof(float) / cache_line * (1 - units);
  if (waits) step += stages * (stage_cost + threads * member_cost + lines * line_cost);
  const auto all = static_cast<double>(shape.all_rows);
  const auto input = static_cast<double>(plan.input_work());
  double rest = all * input / threads / speed.multiply_adds;
  rest += std::ceil(all / chunk_rows) * reading_cost(speed, input * units * sizeof(float), streams);
  if (shape.back) {
    // Both the gradient of the input and those of the weights.
    rest += all * (input + static_cast<double>(plan.recurrent_work())) / threads / speed.multiply_adds;
    if (split.threads > 1) rest += (1 + all / back_chunk_rows) * chunk_cost;
  }
  return steps * step + rest;
}

/// Enough for two threads to be considered: some 10 us of one core. What is below is not worth this model.
bool is_worth_a_thread(const Plan& plan, const PassShape& shape) noexcept {
  return shape.all_rows * (plan.recurrent_work() + plan.input_work()) >= 500'000;
}

Split cheapest_split(
    const Plan& plan, const PassShape& shape, int threads, int panels, int streams) noexcept {
  Split best{Schedule::rows, 1};
  if (threads == 1 || !is_worth_a_thread(plan, shape)) return best;
  double least = pass_cost(plan, shape, best, streams) * least_gain;
  const auto consider = [&](const Split& split) {
    if (split.threads < 2) return;
    const double cost = pass_cost(plan, shape, split, streams) + waking_cost(split.threads);
    if (cost >= least) return;
    least = cost;
    best = split;
  };
  for (int most = threads; most > 1; most /= 2) {
    consider({Schedule::rows, static_cast<int>(std::min<i64>(most, shape.rows))});
    consider({Schedule::units, std::min(most, panels)});
  }
  return best;
}

double waking_cost(int threads) noexcept {
  return threads > 1 ? wake_cost : 0;
}

double task_cost() noexcept {
  return 1500;
}

}  // namespace recurra
