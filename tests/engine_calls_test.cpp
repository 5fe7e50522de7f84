/// The same bits however a sequence is cut into calls, with memory of the caller's, and by several callers at
/// once.
#include <algorithm>
#include <limits>
#include <thread>

#include "tests/support/engine_bits.h"

namespace recurra::test {

namespace {

INSTANTIATE_TEST_SUITE_P(Cells, BitsTest, testing::ValuesIn(all_cells()), [](const auto& info) {
  return info.param;
});

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
        plan({.cell = c.cell,
              .input = c.sizes.input,
              .units = c.sizes.units,
              .projection = c.sizes.projection,
              .reverse = c.sizes.reverse,
              .projection_clip = float(c.options.projection_clip)},
             table),
        x(c.values.x.begin(), c.values.x.end()),
        attention(c.values.attention.begin(), c.values.attention.end()),
        y(std::size_t(batch) * std::size_t(steps) * std::size_t(plan.width()), -7.0F),
        packs(plan, use) {
    for (int k = 0; k < max_states; ++k)
      states[k].assign(c.values.initial[k].begin(), c.values.initial[k].end());
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
    for (int k = 0; k < max_states; ++k) call.initial[k] = call.final[k] = states[k].data();
    return call;
  }

  const EngineCase& c;
  Plan plan;
  Floats x, attention, y, states[max_states];
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
    float* states[max_states];
    for (int k = 0; k < max_states; ++k) states[k] = p.states[k].data();
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
