/// Where the engine's promises end: no numbers, no memory, nothing to do.
#include <algorithm>
#include <cmath>
#include <list>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "tests/support/allocations.h"
#include "tests/support/each_cell.h"
#include "tests/support/engine_layer.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

using Floats = std::vector<float>;

constexpr float nan = NAN;

EngineCase case_of(const CellKernels& cell, reference::Sizes sizes, std::vector<int> lengths = {}) {
  EngineCase c;
  c.cell = cell.name;
  c.numbers = sizes_of(cell);
  c.sizes = sizes;
  c.lengths = std::move(lengths);
  Random random(20264);
  c.fill(random);
  return c;
}

/// Elements first .. last of row `row` of what is (batch, n); last = 0: all from first.
Floats part_of(const Floats& all, int batch, int row, std::size_t first, std::size_t last = 0) {
  const std::size_t n = all.size() / std::size_t(batch);
  const auto start = all.begin() + std::ptrdiff_t(n * std::size_t(row));
  return {start + std::ptrdiff_t(first), start + std::ptrdiff_t(last > 0 ? last : n)};
}

bool all_nan(const Floats& values) {
  return std::all_of(values.begin(), values.end(), [](float value) { return std::isnan(value); });
}

bool all_zero(const Floats& values) {
  return same_bits(values, Floats(values.size()));
}

/// A run of 5 rows with something that is not a number in row 2, against one without: the other rows do not
/// know, and row 2 shows it in every output of the steps first .. last and in the final state.
void expect_only_row_2(
    const EngineCase& c, const EngineCase& clean, const Target& table, int first, int last) {
  Team team(3);
  for (const Execution& e : {Execution{&team, 1}, {&team, 3, Schedule::rows}, {&team, 2, Schedule::units}}) {
    const Outputs bad = run_training(c, table, e);
    const Outputs good = run_training(clean, table, e);
    const auto expect_same = [&](const Floats& a, const Floats& b, int row) {
      EXPECT_TRUE(same_bits(part_of(a, 5, row, 0), part_of(b, 5, row, 0))) << row << c.text();
    };
    for (const int row : {0, 1, 3, 4}) {
      expect_same(bad.y, good.y, row);
      expect_same(bad.x, good.x, row);
      for (int k = 0; k < c.numbers.states; ++k) expect_same(bad.final[k], good.final[k], row);
      for (int k = 0; k < c.numbers.states; ++k) expect_same(bad.initial[k], good.initial[k], row);
    }
    const std::size_t from = std::size_t(first * c.sizes.width()), to = std::size_t(last * c.sizes.width());
    const Floats y = part_of(bad.y, 5, 2, 0);
    Floats expected = part_of(good.y, 5, 2, 0);
    for (std::size_t i = from; i < to; ++i) expected[i] = y[i];
    EXPECT_TRUE(all_nan(part_of(y, 1, 0, from, to))) << c.text();
    EXPECT_TRUE(all_nan(part_of(bad.final[0], 5, 2, 0))) << c.text();
    EXPECT_TRUE(same_bits(y, expected)) << "other steps of row 2" << c.text();
  }
}

TEST(Values, nan_in_an_input_shows_in_its_row_from_its_step_on_and_nowhere_else) {
  for_each_cell([](const Target& table, const CellKernels& cell) {
    for (const std::vector<int>& lengths : {std::vector<int>{}, {9, 3, 8, 9, 0}}) {
      for (const bool reverse : {false, true}) {
        const int projection = cell.dense && !cell.reads_h && reverse ? 9 : 0;
        const EngineCase clean = case_of(cell, {5, 9, 6, 70, projection, reverse}, lengths);
        EngineCase c = clean;
        c.values.x[(2 * 9 + 4) * 6 + 3] = nan;  // row 2, step 4, feature 3
        expect_only_row_2(c, clean, table, reverse ? 0 : 4, reverse ? 5 : lengths.empty() ? 9 : 8);
      }
    }
  });
}

TEST(Values, nan_in_an_initial_state_shows_in_its_row_and_nowhere_else) {
  for_each_cell([](const Target& table, const CellKernels& cell) {
    const EngineCase clean = case_of(cell, {5, 4, 6, 70, 0, false});
    EngineCase c = clean;
    for (int k = 0; k < cell.states; ++k) std::fill_n(c.values.initial[k].begin() + 140, 70, nan);
    expect_only_row_2(c, clean, table, 0, 4);
  });
}

TEST(Values, weights_without_bias_and_parameters_are_those_with_zeros) {
  for_each_cell([](const Target& table, const CellKernels& cell) {
    Layer layer({cell.name, 6, 35, 0, false}, 5, 3, table);
    const Floats zeros(std::size_t(std::max(cell.gates, cell.params) * 35));
    Workspace workspace;
    workspace.prepare(layer.plan, {.steps = 5, .batch = 3});
    const auto outputs = [&](const float* b, const float* params) {
      layer.packs.pack(layer.plan, {layer.weights.W, layer.weights.U, b, params, layer.weights.P});
      forward(layer.plan, layer.packs, layer.call, workspace);
      return Floats(layer.call.y.data, layer.call.y.data + 5 * 3 * 35);
    };
    const Floats ones = outputs(layer.weights.b, layer.weights.params);
    const Floats expected = outputs(zeros.data(), zeros.data());
    outputs(layer.weights.b, layer.weights.params);  // leaves others in the packs
    EXPECT_TRUE(same_bits(outputs(nullptr, nullptr), expected));
    EXPECT_FALSE(same_bits(ones, expected));
  });
}

TEST(Values, infinite_inputs_saturate) {
  for (const Target* target : supported_targets()) {
    for (const char* name : {"lstm", "vanilla"}) {
      EngineCase c = case_of(find_cell(*target, name), {3, 6, 5, 35, 0, false});
      c.values.x[0] = HUGE_VALF;
      c.values.x[(1 * 6 + 2) * 5 + 4] = -HUGE_VALF;
      const Outputs out = run_training(c, *target, {});
      for (const float y : out.y) EXPECT_LE(std::abs(y), 1.0F) << c.text();  // false for NaN
      for (const Floats* all : {&out.final[1], &out.x, &out.b, &out.initial[0], &out.initial[1]}) {
        EXPECT_TRUE(std::ranges::all_of(*all, [](float value) { return std::isfinite(value); })) << c.text();
      }
    }
  }
}

/// Everything a prepared layer does.
void run_all(Layer& layer, Workspace& workspace, const Execution& execution) {
  layer.packs.pack(layer.plan, layer.weights, execution);
  forward(layer.plan, layer.packs, layer.call, workspace, false, execution);
  forward(layer.plan, layer.packs, layer.call, workspace, true, execution);
  backward(layer.plan, layer.packs, layer.call, layer.back, workspace, execution);
  step(layer.plan,
       layer.packs,
       layer.call.batch,
       layer.call.x.data,
       layer.call.final,
       workspace,
       execution,
       layer.call.attention.data);
}

TEST(Values, a_workspace_that_saw_nan_forgets_it) {
  Team team(2);
  for_each_cell([&](const Target& table, const CellKernels& cell) {
    const Recurrence recurrence{cell.name, 6, 70, cell.dense && !cell.reads_h ? 9 : 0, false};
    Layer used(recurrence, 5, 3, table);
    Layer fresh(recurrence, 5, 3, table);
    Workspace workspace, other;
    workspace.prepare(used.plan, {.steps = 5, .batch = 3, .training = true});
    other.prepare(fresh.plan, {.steps = 5, .batch = 3, .training = true});
    for (Floats& values : used.memory) std::fill(values.begin(), values.end(), nan);
    run_all(used, workspace, {&team, 2, Schedule::units});
    for (Floats& values : used.memory) std::fill(values.begin(), values.end(), 0.1F);
    run_all(used, workspace, {&team, 2, Schedule::units});
    run_all(fresh, other, {&team, 2, Schedule::units});
    EXPECT_EQ(used.memory, fresh.memory);
  });
}

TEST(Allocation, is_counted) {
  const long before = allocations();
  const AlignedBuffer<float> buffer(100);
  const Floats values(100);
  EXPECT_EQ(allocations() - before, 2);
}

void expect_no_allocation(Layer& layer, Workspace& workspace, const Execution& execution) {
  const long before = allocations();
  run_all(layer, workspace, execution);
  EXPECT_EQ(allocations() - before, 0) << execution.threads << " threads";
}

TEST(Allocation, a_prepared_layer_allocates_nothing) {
  Team team(2);
  for_each_cell([&](const Target& table, const CellKernels& cell) {
    for (const i64 projection : {0, 20}) {
      if (projection > 0 && (cell.reads_h || !cell.dense)) continue;
      Layer layer({cell.name, 30, 150, projection, false}, 12, 20, table);
      for (const Execution& execution : {Execution{}, {&team, 1}, {&team, 2}, {&team, 2, Schedule::units}}) {
        for (const Keep keep : {Keep::gates, Keep::states}) {
          Workspace workspace;
          workspace.prepare(
              layer.plan,
              {.steps = layer.call.steps, .batch = layer.call.batch, .training = true, .keep = keep});
          expect_no_allocation(layer, workspace, execution);
        }
      }
    }
  });
}

TEST(Allocation, nor_does_one_in_given_memory_with_lengths_masks_and_dropout) {
  Team team(2);
  for_each_cell([&](const Target& table, const CellKernels& cell) {
    Layer layer({cell.name, 30, 150, 0, true}, 12, 20, table);
    std::vector<int> lengths(20, 5);
    lengths[3] = 12;
    std::vector<unsigned char> mask(20 * 12, 1);
    mask[15] = 0;
    const Floats factors(20 * 150, 2.0F);
    layer.call.x_dropout = factors.data();
    if (cell.dense) layer.call.h_dropout = factors.data();
    for (const Keep keep : {Keep::gates, Keep::states}) {
      const Room room{12, 20, true, true, true, false, keep};
      const MemoryBytes bytes = Workspace::bytes(layer.plan, room);
      GivenMemory kept, scratch;
      Workspace workspace;
      workspace.prepare(layer.plan, room, kept.take(bytes.kept), scratch.take(bytes.scratch));
      for (const bool masked : {false, true}) {
        layer.call.lengths = masked ? nullptr : lengths.data();
        layer.call.mask = masked ? mask.data() : nullptr;
        expect_no_allocation(layer, workspace, {&team, 2, Schedule::units});
      }
    }
  });
}

/// Final states are the initial ones, gradients of the initial the final ones', and of the weights zero.
void expect_nothing_done(const EngineCase& c, const Target& table) {
  for (const Execution& execution : {Execution{}, {nullptr, 2, Schedule::units}}) {
    const Outputs out = run_training(c, table, execution);
    const Outputs inference = run_forward(c, table, execution);
    for (int k = 0; k < c.numbers.states; ++k) {
      const Floats initial(c.values.initial[k].begin(), c.values.initial[k].end());
      const Floats d_final(c.outside.final[k].begin(), c.outside.final[k].end());
      EXPECT_TRUE(same_bits(out.final[k], initial) && same_bits(inference.final[k], initial)) << c.text();
      EXPECT_TRUE(same_bits(out.initial[k], d_final)) << c.text();
    }
    for (const Floats* zero :
         {&out.y, &inference.y, &out.x, &out.W, &out.U, &out.b, &out.params, &out.P, &out.attention}) {
      EXPECT_TRUE(all_zero(*zero)) << c.text();
    }
  }
}

TEST(Nothing, no_steps_no_rows_or_no_length_leave_states_and_give_zeros) {
  for_each_cell([](const Target& table, const CellKernels& cell) {
    for (const int projection : {0, 9}) {
      if (projection > 0 && (cell.reads_h || !cell.dense)) continue;
      expect_nothing_done(case_of(cell, {3, 0, 5, 20, projection, false}), table);
      expect_nothing_done(case_of(cell, {0, 6, 5, 20, projection, false}), table);
      expect_nothing_done(case_of(cell, {3, 6, 5, 20, projection, true}, {0, 0, 0}), table);
      EngineCase c = case_of(cell, {3, 6, 5, 20, projection, false}, {0, 0, 0});
      for (auto& initial : c.values.initial) initial.assign(initial.size(), 0.0);
      c.initial_given = false;
      expect_nothing_done(c, table);
    }
  });
}

TEST(Nothing, steps_past_a_rows_length_are_zero_in_outputs_and_input_gradients) {
  for_each_cell([](const Target& table, const CellKernels& cell) {
    for (const bool reverse : {false, true}) {
      const EngineCase c = case_of(cell, {4, 7, 5, 20, 0, reverse}, {3, 0, 7, 6});
      const Outputs out = run_training(c, table, {nullptr, 2, Schedule::units});
      const Outputs inference = run_forward(c, table, {nullptr, 2, Schedule::rows});
      for (int row = 0; row < 4; ++row) {
        const auto length = std::size_t(c.lengths[std::size_t(row)]);
        EXPECT_TRUE(all_zero(part_of(out.y, 4, row, length * 20))) << row;
        EXPECT_TRUE(all_zero(part_of(inference.y, 4, row, length * 20))) << row;
        EXPECT_TRUE(all_zero(part_of(out.x, 4, row, length * 5))) << row;
        if (c.numbers.attention) {
          EXPECT_TRUE(all_zero(part_of(out.attention, 4, row, length))) << row;
        }
      }
    }
  });
}

}  // namespace

}  // namespace recurra::test
