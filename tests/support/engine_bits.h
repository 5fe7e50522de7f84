/// What tests of bits share: cases of every cell, ways to spread a call, and comparisons to the bit.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/engine_case.h"
#include "tests/support/thinning.h"

namespace recurra::test {

inline constexpr std::uint64_t seed = 20262;
inline constexpr int batch = 13, steps = 17;

using Floats = std::vector<float>;

/// What a case of this suite has besides its cell.
struct Variant {
  const char* name;
  bool lengths, reverse, initial, sequence;
  int projection;
  bool masks = false, dropout = false;
  bool extras = false;  // zoneout, states of every step and, where the cell has it, a clip
};

inline constexpr Variant variants[] = {
    {"plain", false, false, false, true, 0},
    {"lengths and initial states", true, false, true, true, 0},
    {"reverse with lengths", true, true, false, true, 0},
    {"reverse with initial states, final states only", false, true, true, false, 0},
    {"projection", true, false, true, true, 75},
    {"reverse projection", true, true, true, true, 75},
    {"mask with holes", false, false, true, true, 0, true},
    {"mask and dropout, reverse", false, true, true, true, 0, true, true},
    {"zoneout, states and clip", true, false, true, true, 0, false, false, true},
    {"zoneout, states and clip, masks", false, true, false, true, 0, true, true, true},
};

inline constexpr std::size_t first_masked = 6;

inline std::vector<std::string> all_cells() {
  std::vector<std::string> names;
  for (const Target* table : {&find_target("scalar"), &toy_target(find_target("scalar"))}) {
    for (int i = 0; i < table->cell_count; ++i) names.emplace_back(table->cells[i].name);
  }
  return names;
}

/// Units for three blocks and three panels of the way back of every cell on this target, not all full.
inline EngineCase make_case(const Target& table,
                            const std::string& cell,
                            const Variant& variant,
                            std::uint64_t stream) {
  const CellKernels& kernels = find_cell(table, cell);
  EngineCase c;
  c.cell = cell;
  c.numbers = sizes_of(kernels);
  c.sizes = {batch, steps, 21, 11 * table.width - 5, variant.projection, variant.reverse};
  c.initial_given = variant.initial;
  c.take_sequence = variant.sequence;
  if (variant.lengths) c.lengths = {7, 17, 0, 1, 12, 17, 3, 16, 17, 2, 5, 15, 8};
  Random random(seed, stream);
  c.take_states = variant.extras;
  c.fill(random);
  if (variant.extras) c.zone_out(random, 0.3);
  if (variant.extras && kernels.clips) c.options.clip = 0.25;
  if (variant.projection > 0) c.options.projection_clip = 0.0625;
  if (variant.masks) c.mask_steps(random, variant.initial);
  if (variant.dropout) c.drop_out(random, 0.3, kernels.dense);
  return c;
}

inline void expect_same(const Floats& a, const Floats& b, const char* what, const EngineCase& c) {
  EXPECT_TRUE(same_bits(a, b)) << what << ": " << c.text();
}

inline void expect_same_outputs(const Outputs& a, const Outputs& b, const EngineCase& c) {
  expect_same(a.y, b.y, "y", c);
  for (int k = 0; k < c.numbers.states; ++k) {
    expect_same(a.final[k], b.final[k], "final state", c);
    expect_same(a.states[k], b.states[k], "states", c);
  }
}

inline void expect_same_gradients(const Outputs& a, const Outputs& b, const EngineCase& c) {
  expect_same(a.x, b.x, "dx", c);
  expect_same(a.W, b.W, "dW", c);
  expect_same(a.U, b.U, "dU", c);
  expect_same(a.b, b.b, "db", c);
  expect_same(a.params, b.params, "dparams", c);
  expect_same(a.P, b.P, "dP", c);
  expect_same(a.attention, b.attention, "d attention", c);
  for (int k = 0; k < c.numbers.states; ++k) expect_same(a.initial[k], b.initial[k], "d initial", c);
}

inline void expect_all_worked(const Report& report, const Execution& asked, const char* pass) {
  EXPECT_EQ(report.threads, asked.threads) << pass;
  EXPECT_EQ(report.schedule, asked.schedule) << pass;
  for (int i = 0; i < asked.threads; ++i) EXPECT_GT(report.work[i], 0) << pass << ", thread " << i;
}

/// A test for every cell.
class BitsTest : public testing::TestWithParam<std::string> {
 protected:
  /// Calls check(table, case) for every target and every variant the cell can have.
  template <class Check>
  static void for_each_case(Check check) {
    for_each_case(std::span(variants), check);
  }

  /// Of the variants whose steps all count, or count up to a length.
  template <class Check>
  static void for_each_case_without_masks(Check check) {
    for_each_case(std::span(variants).first(first_masked), check);
  }

  template <class Check>
  static void for_each_case(std::span<const Variant> chosen, Check check) {
    std::uint64_t stream = 0;
    Thinning thinning(int(GetParam().size()));
    for (const Target* target : supported_targets()) {
      const Target& table = table_of(*target, GetParam());
      const CellKernels& cell = find_cell(table, GetParam());
      for (const Variant& variant : chosen) {
        if (variant.projection > 0 && (cell.reads_h || !cell.dense)) continue;
        ++stream;
        if (thinning.skips()) continue;
        SCOPED_TRACE(std::string(target->name) + ", " + variant.name);
        check(table, make_case(table, GetParam(), variant, stream));
      }
    }
  }

  /// Calls check(execution) for both schedules on 1, 2 and 3 threads, with chunks of 1, 4 and 16 steps in
  /// turn. Under a sanitizer each schedule has one number of threads, another than the other's,
  /// and another in the next call: three calls have all.
  template <class Check>
  void for_each_execution(Check check) {
    Team team(3);
    int first = calls_++;
    for (const Schedule schedule : {Schedule::rows, Schedule::units}) {
      Thinning thinning(first++);
      i64 next_chunk = schedule == Schedule::rows ? 1 : 4;
      for (const int threads : {1, 2, 3}) {
        const i64 chunk = next_chunk;
        next_chunk = chunk == 16 ? 1 : 4 * chunk;
        if (thinning.skips()) continue;
        SCOPED_TRACE(std::string(schedule == Schedule::rows ? "rows" : "units") + ", threads " +
                     std::to_string(threads) + ", chunk " + std::to_string(chunk));
        check(Execution{&team, threads, schedule, chunk});
      }
    }
  }

  static const Target& fastest() { return table_of(*supported_targets().back(), GetParam()); }

 private:
  static inline int calls_ = 0;  // of for_each_execution, in any test: each leaves out others
};

}  // namespace recurra::test
