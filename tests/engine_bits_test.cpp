/// The same bits however the work is spread, grouped or cut, on shapes where it really is.
#include <algorithm>
#include <limits>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/engine_case.h"
#include "tests/support/std_pool.h"
#include "tests/support/thinning.h"

namespace recurra::test {

namespace {

constexpr std::uint64_t seed = 20262;
constexpr int batch = 13, steps = 17;

using Floats = std::vector<float>;

/// What a case of this suite has besides its cell.
struct Variant {
  const char* name;
  bool lengths, reverse, initial, sequence;
  int projection;
  bool masks = false, dropout = false;
  bool extras = false;  // zoneout, states of every step and, where the cell has it, a clip
};

constexpr Variant variants[] = {
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

constexpr std::size_t first_masked = 6;

std::vector<std::string> all_cells() {
  std::vector<std::string> names;
  for (const Target* table : {&find_target("scalar"), &toy_target(find_target("scalar"))}) {
    for (int i = 0; i < table->cell_count; ++i) names.emplace_back(table->cells[i].name);
  }
  return names;
}

/// Units for three blocks and three panels of the way back of every cell on this target, not all full.
EngineCase make_case(const Target& table,
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
  if (variant.masks) c.mask_steps(random, variant.initial);
  if (variant.dropout) c.drop_out(random, 0.3, kernels.dense);
  return c;
}

void expect_same(const Floats& a, const Floats& b, const char* what, const EngineCase& c) {
  EXPECT_TRUE(same_bits(a, b)) << what << ": " << c.text();
}

void expect_same_outputs(const Outputs& a, const Outputs& b, const EngineCase& c) {
  expect_same(a.y, b.y, "y", c);
  for (int k = 0; k < c.numbers.states; ++k) {
    expect_same(a.final[k], b.final[k], "final state", c);
    expect_same(a.states[k], b.states[k], "states", c);
  }
}

void expect_same_gradients(const Outputs& a, const Outputs& b, const EngineCase& c) {
  expect_same(a.x, b.x, "dx", c);
  expect_same(a.W, b.W, "dW", c);
  expect_same(a.U, b.U, "dU", c);
  expect_same(a.b, b.b, "db", c);
  expect_same(a.params, b.params, "dparams", c);
  expect_same(a.P, b.P, "dP", c);
  expect_same(a.attention, b.attention, "d attention", c);
  for (int k = 0; k < c.numbers.states; ++k) expect_same(a.initial[k], b.initial[k], "d initial", c);
}

void expect_all_worked(const Report& report, const Execution& asked, const char* pass) {
  EXPECT_EQ(report.threads, asked.threads) << pass;
  EXPECT_EQ(report.schedule, asked.schedule) << pass;
  for (int i = 0; i < asked.threads; ++i) EXPECT_GT(report.work[i], 0) << pass << ", thread " << i;
}

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
  /// turn.
  template <class Check>
  void for_each_execution(Check check) {
    Team team(3);
    Thinning thinning(calls_++);
    for (const Schedule schedule : {Schedule::rows, Schedule::units}) {
      i64 chunk = schedule == Schedule::rows ? 1 : 4;
      for (const int threads : {1, 2, 3}) {
        if (thinning.skips()) continue;
        SCOPED_TRACE(std::string(schedule == Schedule::rows ? "rows" : "units") + ", threads " +
                     std::to_string(threads) + ", chunk " + std::to_string(chunk));
        check(Execution{&team, threads, schedule, chunk});
        chunk = chunk == 16 ? 1 : 4 * chunk;
      }
    }
  }

  static const Target& fastest() { return table_of(*supported_targets().back(), GetParam()); }

 private:
  int calls_ = 0;  // of for_each_execution: each leaves out others
};

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

/// The weights of a case, in the order of WeightsOf.
std::vector<Floats> weights_of(const reference::Values& values) {
  std::vector<Floats> weights;
  for (const auto* v : {&values.W, &values.U, &values.b, &values.params, &values.P}) {
    weights.emplace_back(v->begin(), v->end());
  }
  return weights;
}

/// A plan with its packs and the floats of a case, for calls a test makes itself.
struct Problem {
  Problem(const EngineCase& given, const Target& table, PackedWeights::Use use, const Execution& spread = {})
      : c(given),
        plan({c.cell, c.sizes.input, c.sizes.units, c.sizes.projection, c.sizes.reverse}, table),
        x(c.values.x.begin(), c.values.x.end()),
        attention(c.values.attention.begin(), c.values.attention.end()),
        y(std::size_t(batch) * std::size_t(steps) * std::size_t(plan.width()), -7.0F),
        packs(plan, use) {
    for (int k = 0; k < 3; ++k) states[k].assign(c.values.initial[k].begin(), c.values.initial[k].end());
    const std::vector<Floats> w = weights_of(c.values);
    packs.pack(plan, {w[0].data(), w[1].data(), w[2].data(), w[3].data(), w[4].data()}, spread);
    workspace.prepare(plan,
                      {.steps = steps, .batch = batch, .training = use == PackedWeights::Use::training});
  }

  /// Steps first .. first + count of every row, from `states` and into them.
  [[nodiscard]] Call part(int first, int count) {
    Call call;
    call.steps = count;
    call.batch = batch;
    call.x = batch_major<const float>(x.data() + i64{first} * c.sizes.input, steps, c.sizes.input);
    call.y = batch_major(y.data() + i64{first} * plan.width(), steps, plan.width());
    if (c.numbers.attention) call.attention = batch_major<const float>(attention.data() + first, steps, 1);
    lengths = c.lengths;
    for (int& length : lengths) length = std::clamp(length - first, 0, count);
    call.lengths = lengths.empty() ? nullptr : lengths.data();
    for (int k = 0; k < 3; ++k) call.initial[k] = call.final[k] = states[k].data();
    return call;
  }

  const EngineCase& c;
  Plan plan;
  Floats x, attention, y, states[3];
  std::vector<int> lengths;
  PackedWeights packs;
  Workspace workspace;
};

TEST_P(BitsTest, calls_that_carry_states_equal_one_call) {
  Team team(2);
  for_each_case_without_masks([&](const Target& table, const EngineCase& c) {
    if (c.sizes.reverse) return;
    const Outputs whole = run_forward(c, table, {&team, 2, Schedule::units});
    for (const int part : {1, 5, 16}) {
      SCOPED_TRACE("parts of " + std::to_string(part) + " steps");
      Problem p(c, table, PackedWeights::Use::inference);
      for (int first = 0; first < steps; first += part) {
        forward(p.plan, p.packs, p.part(first, std::min(part, steps - first)), p.workspace, false, {&team});
      }
      expect_same(p.y, whole.y, "y", c);
      for (int k = 0; k < c.numbers.states; ++k) expect_same(p.states[k], whole.final[k], "state", c);
    }
  });
}

/// Step t of a (batch, steps, n) sequence: (batch, n).
Floats slice(const Floats& sequence, int t) {
  const std::size_t n = sequence.size() / (batch * steps);
  Floats at(batch * n);
  for (std::size_t row = 0; row < batch; ++row) {
    std::copy_n(sequence.data() + (row * steps + std::size_t(t)) * n, n, at.data() + row * n);
  }
  return at;
}

TEST_P(BitsTest, step_by_step_equals_the_whole_sequence) {
  Team team(2);
  for_each_case_without_masks([&](const Target& table, EngineCase c) {
    if (c.sizes.reverse) return;
    c.lengths.clear();
    const Outputs whole = run_forward(c, table, {&team, 1});
    Problem p(c, table, PackedWeights::Use::inference);
    float* states[] = {p.states[0].data(), p.states[1].data(), p.states[2].data()};
    for (int t = 0; t < steps; ++t) {
      const Execution execution{&team, 1 + t % 2, Schedule::units};
      const Floats attention = slice(p.attention, t);
      const float* attended = c.numbers.attention ? attention.data() : nullptr;
      step(p.plan, p.packs, batch, slice(p.x, t).data(), states, p.workspace, execution, attended);
      ASSERT_TRUE(same_bits(p.states[0], slice(whole.y, t))) << "step " << t;
    }
    for (int k = 0; k < c.numbers.states; ++k) expect_same(p.states[k], whole.final[k], "state", c);
  });
}

TEST_P(BitsTest, packing_on_several_threads_gives_the_same_packs) {
  Team team(3);
  for_each_case_without_masks([&](const Target& table, EngineCase c) {
    c.sizes.input = 20'000 / c.sizes.units;  // enough to be worth a second thread
    Random random(seed);
    c.fill(random);
    const Problem one(c, table, PackedWeights::Use::training, {&team, 1});
    const Problem several(c, table, PackedWeights::Use::training, {&team, 3});
    const auto expect_same_pack = [&](std::span<const float> a, std::span<const float> b) {
      EXPECT_TRUE(std::ranges::equal(a, b)) << c.text();
    };
    using P = PackedWeights;
    for (const auto m : {&P::in, &P::bias, &P::params, &P::projection, &P::back_in, &P::back_projection}) {
      expect_same_pack(one.packs.*m, several.packs.*m);
    }
    for (int p = 0; p < max_phases; ++p) {
      expect_same_pack(one.packs.state[p], several.packs.state[p]);
      expect_same_pack(one.packs.back_state[p], several.packs.back_state[p]);
    }
  });
}

/// Two threads, one plan and packs, workspaces of their own, one team.
TEST_P(BitsTest, two_calls_at_once_on_one_team_give_the_bits_of_one) {
  Team team(3);
  for_each_case_without_masks([&](const Target& table, const EngineCase& c) {
    if (!c.take_sequence) return;
    const Outputs expected = run_forward(c, table, {&team, 1});
    const Problem shared(c, table, PackedWeights::Use::inference);
    const auto call_often = [&](int& wrong) {
      for (int i = 0; i < 3; ++i) {
        Problem own(c, table, PackedWeights::Use::inference);
        own.workspace.prepare(shared.plan, {.steps = steps, .batch = batch});
        const Execution execution{&team, 3, Schedule::units};
        forward(shared.plan, shared.packs, own.part(0, steps), own.workspace, false, execution);
        wrong += same_bits(own.y, expected.y) && same_bits(own.states[0], expected.final[0]) ? 0 : 1;
      }
    };
    int wrong[2] = {};
    std::thread other([&] { call_often(wrong[1]); });
    call_often(wrong[0]);
    other.join();
    EXPECT_EQ(wrong[0] + wrong[1], 0) << c.text();
  });
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

/// Weight gradients of a case, from dy alone, over what `to` holds or added to it; states are updated in
/// place.
std::vector<Floats> train(const EngineCase& c, const Target& table, std::vector<Floats> to, bool accumulate) {
  Team team(2);
  const Execution execution{&team, 2, Schedule::units};
  Problem p(c, table, PackedWeights::Use::training);
  const Call call = p.part(0, steps);
  forward(p.plan, p.packs, call, p.workspace, true, execution);
  const Floats dy(c.outside.y.begin(), c.outside.y.end());
  BackwardCall back;
  if (c.take_sequence) back.dy = batch_major(dy.data(), steps, p.plan.width());
  back.d_weights = {to[0].data(), to[1].data(), to[2].data(), to[3].data(), to[4].data()};
  back.accumulate = accumulate;
  backward(p.plan, p.packs, call, back, p.workspace, execution);
  return to;
}

TEST_P(BitsTest, gradients_overwrite_what_was_there_or_add_to_it_once) {
  Random random(seed);
  for_each_case_without_masks([&](const Target& table, const EngineCase& c) {
    std::vector<Floats> none = weights_of(c.values);
    for (Floats& v : none) v.assign(v.size(), std::numeric_limits<float>::quiet_NaN());
    std::vector<Floats> before = weights_of(c.values);
    for (Floats& v : before) std::generate(v.begin(), v.end(), [&] { return random.normal(); });
    const std::vector<Floats> sums = train(c, table, none, false);
    const std::vector<Floats> added = train(c, table, before, true);
    for (std::size_t i = 0; i < sums.size(); ++i) {
      for (std::size_t j = 0; j < sums[i].size(); ++j) before[i][j] += sums[i][j];
      expect_same(added[i], before[i], "sum", c);
    }
  });
}

/// As in a stateful layer, where each call starts from the last one's states and overwrites them.
TEST_P(BitsTest, training_may_update_its_states_in_place) {
  Team team(1);
  for_each_case_without_masks([&](const Target& table, EngineCase c) {
    for (auto& values : c.outside.final) values.assign(values.size(), 0.0);
    const Outputs apart = run_training(c, table, {&team});
    const std::vector<Floats> in_place = train(c, table, weights_of(c.values), false);
    const Floats* expected[] = {&apart.W, &apart.U, &apart.b, &apart.params, &apart.P};
    for (std::size_t i = 0; i < 5; ++i) expect_same(in_place[i], *expected[i], "weight gradient", c);
  });
}

}  // namespace

}  // namespace recurra::test
