/// Wavefronts over the layers of a stack: the bits of layers in turn, whatever the threads and the chunks.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "recurra/engine/stack.h"
#include "tests/support/allocations.h"
#include "tests/support/call_memory.h"
#include "tests/support/engine_case.h"
#include "tests/support/thinning.h"

namespace recurra::test {

namespace {

constexpr i64 batch = 13, steps = 75, input = 6;  // a chunk of the way back has 20 steps

struct Variant {
  std::vector<Stack::Layer> layers;
  Direction direction = Direction::forward;
  bool lengths = false;
  Keep keep = Keep::gates;
  bool back_in_turn = false;  // gradients of layers of different widths would lie over one another
};

std::vector<Variant> variants() {
  const Stack::Layer lstm{"lstm", 20}, projected{"lstm", 21, 9}, gru{"gru", 33}, vanilla{"vanilla", 20},
      normalised{"lstm_layer_norm", 7}, same{"gru_reset_after", 20};
  return {{{lstm, gru}},
          {{projected, same}, Direction::backward, true},
          {{gru, lstm, normalised}, Direction::forward, true, Keep::states},
          {{vanilla, projected, gru}, Direction::backward},
          {{lstm, same, vanilla, lstm}, Direction::forward, true},
          {{lstm, gru, same, projected}, Direction::forward, true},
          {{lstm, same, gru, lstm}, Direction::backward, true, Keep::gates, true},
          {{same, lstm, same, lstm, same}, Direction::backward, true, Keep::states}};
}

/// A stack, its weights and a call of it.
class Problem {
 public:
  Problem(const Variant& variant, const Target& target, Random& random)
      : variant_(variant),
        memory_(random),
        plan_(Stack{input, variant.layers, variant.direction}, target),
        packs_(plan_, PackedWeights::Use::training) {
    std::vector<Weights> weights;
    for (const Plan& one : plan_.plans()) weights.push_back(memory_.draw_weights(one));
    packs_.pack(plan_, weights);
    call.steps = steps;
    call.batch = batch;
    call.x = batch_major<const float>(memory_.draw(steps * batch * input), steps, input);
    if (variant.lengths) call.lengths = lengths_.data();
    back.dy = batch_major<const float>(memory_.draw(steps * batch * plan_.width()), steps, plan_.width());
    mask_.assign(std::size_t(steps * batch), 1);
  }

  /// Outputs of a forward, and of a backward where `training`.
  std::vector<Floats> run(bool training, const Execution& execution) {
    memory_.forget_outputs();
    std::vector<StackRun> runs;
    std::vector<StackRunGradients> gradients;
    call.y = batch_major(memory_.take(steps * batch * plan_.width()), steps, plan_.width());
    back.dx = batch_major(memory_.take(steps * batch * input), steps, input);
    for (const Plan& one : plan_.plans()) {
      StackRun& run = runs.emplace_back();
      StackRunGradients& gradient = gradients.emplace_back();
      for (int k = 0; k < one.cell().states; ++k) {
        run.final[k] = memory_.take(batch * (k == 0 ? one.width() : one.units()));
        gradient.d_initial[k] = memory_.take(batch * (k == 0 ? one.width() : one.units()));
      }
      gradient.d_weights = memory_.take_gradients(one);
    }
    call.runs = runs;
    back.runs = gradients;
    const Room room{.steps = steps, .batch = batch, .training = training, .keep = variant_.keep};
    workspace.prepare(plan_, room);
    const long before = allocations();
    forward(plan_, packs_, call, workspace, training, execution);
    EXPECT_EQ(allocations(), before);
    forward_at_once = at_once();
    if (training) {
      const long after = allocations();
      backward(plan_, packs_, call, back, workspace, execution);
      EXPECT_EQ(allocations(), after);
      backward_at_once = at_once();
    }
    return memory_.outputs();
  }

  /// As the call, but with a mask all of whose steps count.
  void mask() {
    call.lengths = nullptr;
    call.mask = mask_.data();
  }

  StackWorkspace workspace;
  StackCall call;
  StackBackwardCall back;
  int forward_at_once = 0, backward_at_once = 0;

 private:
  /// Layers at once, by the reports of all of them.
  int at_once() const {
    i64 counted = 0;
    for (i64 row = 0; row < batch; ++row) counted += call.lengths != nullptr ? call.lengths[row] : steps;
    for (int layer = 0; layer < plan_.layers(); ++layer) {
      const Report& report = workspace.report(layer, 0);
      EXPECT_EQ(report.layers_at_once, workspace.report(0, 0).layers_at_once);
      EXPECT_EQ(report.steps, counted);
      EXPECT_STREQ(report.target, plan_.plan(layer, 0).target().name);
      for (int thread = 0; thread < report.threads; ++thread) EXPECT_GT(report.work[thread], 0);
    }
    return workspace.report(0, 0).layers_at_once;
  }

  Variant variant_;
  CallMemory memory_;
  StackPlan plan_;
  StackPacks packs_;
  std::vector<int> lengths_ = {75, 0, 20, 40, 1, 61, 60, 59, 74, 75, 12, 41, 33};
  std::vector<unsigned char> mask_;
};

void expect_same(const std::vector<Floats>& actual, const std::vector<Floats>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) EXPECT_TRUE(same_bits(actual[i], expected[i])) << i;
}

Execution wavefront(Team& team, int threads, i64 wave, Schedule schedule = Schedule::automatic) {
  return {.team = &team, .threads = threads, .schedule = schedule, .layers = Layers::wavefront, .wave = wave};
}

TEST(Waves, give_the_bits_of_layers_in_turn) {
  Team team(8);
  Random random(20264);
  int number = 0;
  for (const Variant& variant : variants()) {
    Thinning thinning(number++);
    for (const Target* target : supported_targets()) {
      if (thinning.skips()) continue;
      SCOPED_TRACE(std::string(target->name) + ", layers " + std::to_string(variant.layers.size()));
      Problem problem(variant, *target, random);
      const int layers = int(variant.layers.size());
      const Execution alone{.team = &team, .threads = 1, .layers = Layers::in_turn};
      const std::vector<Floats> training = problem.run(true, alone);
      EXPECT_EQ(problem.forward_at_once, 1);
      EXPECT_EQ(problem.backward_at_once, 1);
      const std::vector<Floats> inference = problem.run(false, alone);
      for (const Execution& execution : {wavefront(team, 1, 3),
                                         wavefront(team, 2, 1),
                                         wavefront(team, 2, 0),
                                         wavefront(team, 3, 7, Schedule::rows),
                                         wavefront(team, 4, 20, Schedule::units),
                                         wavefront(team, 8, 30, Schedule::units),
                                         wavefront(team, 8, 10, Schedule::rows)}) {
        SCOPED_TRACE(std::to_string(execution.threads) + " threads, " + std::to_string(execution.wave));
        const int at_once = std::min(layers, execution.threads);
        expect_same(problem.run(true, execution), training);
        EXPECT_EQ(problem.forward_at_once, at_once);
        EXPECT_EQ(problem.backward_at_once, variant.back_in_turn ? 1 : at_once);
        expect_same(problem.run(false, execution), inference);
        EXPECT_EQ(problem.forward_at_once, at_once);
      }
    }
  }
}

TEST(Waves, a_call_that_finds_the_team_taken_runs_alone_with_the_same_bits) {
  Team team(2);
  Random random(20265);
  Problem problem(variants()[4], *supported_targets().back(), random);
  for (const bool training : {true, false}) {
    const std::vector<Floats> expected = problem.run(training, wavefront(team, 2, 4));
    EXPECT_EQ(problem.forward_at_once, 2);
    std::vector<Floats> inside;
    team.run(2, [&](const Crew& crew) {
      if (crew.index() == 0) inside = problem.run(training, wavefront(team, 2, 4));
    });
    EXPECT_EQ(problem.forward_at_once, 1);
    expect_same(inside, expected);
  }
}

TEST(Waves, layers_run_in_turn_where_gradients_are_not_final_before_the_end) {
  Team team(2);
  Random random(20266);
  const Variant variant{{{"lstm", 20}, {"gru", 9}}};
  for (const int reason : {0, 1, 2}) {
    Problem problem(variant, *supported_targets().back(), random);
    if (reason == 0) problem.mask();
    if (reason == 1) {
      static const std::vector<int> ends(batch, 40);
      problem.call.lengths = ends.data();
      problem.call.fill = Fill::repeat;
    }
    const auto run = [&](const Execution& execution) {
      problem.workspace.prepare(StackPlan(Stack{input, variant.layers}, *supported_targets().back()),
                                {.steps = steps, .batch = batch, .training = true, .masks = true});
      return problem.run(true, execution);
    };
    const std::vector<Floats> expected = run({.team = &team, .threads = 1, .layers = Layers::in_turn});
    expect_same(run(wavefront(team, 2, 20)), expected);
    EXPECT_EQ(problem.forward_at_once, reason == 0 ? 1 : 2);
    EXPECT_EQ(problem.backward_at_once, reason == 2 ? 2 : 1);
  }
}

}  // namespace

}  // namespace recurra::test
