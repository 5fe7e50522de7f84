/// The same bits however the work is spread or grouped, on shapes where it really is.
#include "tests/support/engine_bits.h"

#include <algorithm>

#include "tests/support/std_pool.h"

namespace recurra::test {

namespace {

INSTANTIATE_TEST_SUITE_P(Cells, BitsTest, testing::ValuesIn(all_cells()), [](const auto& info) {
  return info.param;
});

TEST_P(BitsTest, threads_schedule_and_chunk_change_no_bit) {
  Team team(1);
  for_each_case([&](const Target& table, const EngineCase& c) {
    const Outputs alone = run_training(c, table, {&team});
    for_each_execution([&](const Execution& execution) {
      const Outputs training = run_training(c, table, execution);
      expect_all_worked(training.forward, execution, "forward");
      expect_all_worked(training.backward, execution, "backward");
      expect_same_outputs(training, alone, c);
      expect_same_gradients(training, alone, c);
    });
  });
}

TEST_P(BitsTest, inference_gives_the_bits_of_training) {
  Team team(1);
  for_each_case([&](const Target& table, const EngineCase& c) {
    const Outputs training = run_forward(c, table, {&team}, true);
    for_each_execution([&](const Execution& execution) {
      const Outputs inference = run_forward(c, table, execution);
      expect_all_worked(inference.forward, execution, "inference");
      expect_same_outputs(inference, training, c);
    });
  });
}

/// As above where the way back takes several chunks of steps, which a length may end in.
TEST_P(BitsTest, gradients_over_many_chunks_have_the_same_bits) {
  Team team(1);
  for (const bool ends : {false, true}) {
    EngineCase c = make_case(fastest(), GetParam(), variants[0], 0);
    c.sizes.steps = 75;
    if (ends) c.lengths = {75, 1, 20, 40, 0, 61, 60, 59, 74, 75, 12, 41, 33};
    Random random(seed);
    c.fill(random);
    const Outputs alone = run_training(c, fastest(), {&team});
    for_each_execution([&](const Execution& execution) {
      const Outputs training = run_training(c, fastest(), execution);
      expect_all_worked(training.backward, execution, "backward");
      expect_same_gradients(training, alone, c);
    });
  }
}

/// Rows are shared by their steps, but no thread goes without.
TEST_P(BitsTest, every_thread_gets_rows_however_uneven_their_lengths) {
  Team team(3);
  const Execution execution{&team, 3, Schedule::rows};
  for (const auto& lengths : {std::vector{17, 1, 1}, {12, 6, 2}, {1, 17, 0, 2}}) {
    EngineCase c = make_case(fastest(), GetParam(), variants[0], 0);
    c.sizes.batch = int(lengths.size());
    c.lengths = lengths;
    Random random(seed);
    c.fill(random);
    SCOPED_TRACE(c.text());
    const Outputs training = run_training(c, fastest(), execution);
    expect_all_worked(training.forward, execution, "forward");
    expect_all_worked(training.backward, execution, "backward");
    EXPECT_STREQ(training.forward.target, fastest().name);
  }
}

/// Row `row` of what is (batch, n).
Floats row_of(const Floats& all, int row) {
  const auto size = std::ptrdiff_t(all.size()) / batch;
  return {all.begin() + size * row, all.begin() + size * (row + 1)};
}

TEST_P(BitsTest, a_row_alone_equals_the_row_in_a_batch) {
  Team team(2);
  for_each_case([&](const Target& table, const EngineCase& c) {
    const Outputs all = run_training(c, table, {&team, 2, Schedule::units});
    for (int row = 0; row < batch; ++row) {
      SCOPED_TRACE(row);
      const EngineCase one = c.only_row(row);
      const Outputs alone = run_training(one, table, {&team, 1});
      expect_same(alone.y, row_of(all.y, row), "y", one);
      expect_same(alone.x, row_of(all.x, row), "dx", one);
      expect_same(alone.attention, row_of(all.attention, row), "d attention", one);
      for (int k = 0; k < c.numbers.states; ++k) {
        expect_same(alone.final[k], row_of(all.final[k], row), "final state", one);
        expect_same(alone.states[k], row_of(all.states[k], row), "states", one);
        expect_same(alone.initial[k], row_of(all.initial[k], row), "d initial", one);
      }
    }
  });
}

/// Of a row alone, input products are made beside the recurrent ones of earlier steps: for rows of all
/// lengths about whole groups of steps, and inputs narrower and wider than what they go beside.
TEST_P(BitsTest, a_long_row_alone_equals_the_row_in_a_batch) {
  Team team(3);
  const int sizes[][2] = {{1, 16}, {23, 15}, {40, 17}, {300, 31}};  // input, steps of the second row
  for (const Target* target : supported_targets()) {
    const Target& table = table_of(*target, GetParam());
    for (const auto& [input, length] : sizes) {
      EngineCase c = make_case(table, GetParam(), variants[0], 0);
      c.sizes.batch = 2;
      c.sizes.steps = 45;
      c.sizes.input = input;
      c.sizes.reverse = length % 2 == 0;
      c.lengths = {45, length};
      Random random(seed);
      c.fill(random);
      const Outputs both = run_forward(c, table, {&team, 1});
      const std::size_t size = both.y.size() / 2;
      const Outputs apart = run_forward(c, table, {&team, 2, Schedule::rows});
      expect_same(apart.y, both.y, "y", c);
      for (const Execution& execution :
           {Execution{&team, 1}, {&team, 2, Schedule::units}, {&team, 3, Schedule::units, 24}}) {
        for (const bool training : {false, true}) {
          for (const int row : {0, 1}) {
            const EngineCase one = c.only_row(row);
            const auto first = both.y.begin() + std::ptrdiff_t(size) * row;
            const Outputs alone = run_forward(one, table, execution, training);
            expect_same(alone.y, {first, first + std::ptrdiff_t(size)}, "y", one);
          }
        }
      }
    }
  }
}

TEST_P(BitsTest, a_call_that_finds_the_team_taken_runs_alone_with_the_same_bits) {
  Team team(2);
  const EngineCase c = make_case(fastest(), GetParam(), variants[0], 0);
  const Outputs expected = run_training(c, fastest(), {&team, 2, Schedule::units});
  Outputs inside;
  team.run(2, [&](const Crew& crew) {
    if (crew.index() == 0) inside = run_training(c, fastest(), {&team, 2, Schedule::units});
  });
  EXPECT_EQ(expected.backward.threads, 2);
  EXPECT_EQ(std::max(inside.forward.threads, inside.backward.threads), 1);
  expect_same_outputs(inside, expected, c);
  expect_same_gradients(inside, expected, c);
}

TEST_P(BitsTest, threads_of_the_callers_pool_give_the_same_bits) {
  StdPool pool(3);
  Team team(pool, 3);
  Team one(1);
  const EngineCase c = make_case(fastest(), GetParam(), variants[1], 0);
  const Outputs expected = run_training(c, fastest(), {&one});
  int calls = 0;
  for (const Schedule schedule : {Schedule::rows, Schedule::units}) {
    const Execution execution{&team, 3, schedule};
    const Outputs outputs = run_training(c, fastest(), execution);
    expect_all_worked(outputs.forward, execution, "forward");
    expect_all_worked(outputs.backward, execution, "backward");
    expect_same_outputs(outputs, expected, c);
    expect_same_gradients(outputs, expected, c);
    EXPECT_GE(pool.calls(), calls + 6) << "three threads each way";
    calls = pool.calls();
  }
}

}  // namespace

}  // namespace recurra::test
