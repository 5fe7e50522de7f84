/// Inference in which chunks of steps go through all layers, against training, where each layer has all
/// steps.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "recurra/engine/stack.h"
#include "tests/support/call_memory.h"
#include "tests/support/engine_case.h"
#include "tests/support/thinning.h"

namespace recurra::test {

namespace {

constexpr i64 batch = 7, steps = 301;  // several chunks, the last of fewer steps

struct Variant {
  Direction direction;
  Stacking stacking;
  int layers;
  bool lengths, initial, all_outputs;
};

std::vector<Variant> variants() {
  std::vector<Variant> all;
  for (const Direction direction :
       {Direction::forward, Direction::backward, Direction::concat, Direction::sum}) {
    for (const Stacking stacking : {Stacking::cross_fed, Stacking::independent}) {
      for (const int layers : {1, 2, 3}) {
        for (const bool some : {false, true}) {
          all.push_back({direction, stacking, layers, some, some, !some});
          all.push_back({direction, stacking, layers, some, !some, some});
        }
      }
    }
  }
  return all;
}

/// A call with everything a call may have, and what it gives.
class Problem {
 public:
  Problem(const Variant& variant, const Target& target, Random& random)
      : variant_(variant), memory_(random), plan_(stack_of(variant), target), packs_(plan_, use) {
    std::vector<Weights> weights;
    for (const Plan& one : plan_.plans()) weights.push_back(memory_.draw_weights(one));
    packs_.pack(plan_, weights);
    call_.steps = steps;
    call_.batch = batch;
    call_.x = batch_major<const float>(memory_.draw(steps * batch * 4), steps, 4);
    if (plan_.attention()) call_.attention = batch_major<const float>(memory_.draw(steps * batch), steps, 1);
    if (variant.lengths) call_.lengths = lengths_.data();
    for (const Plan& one : plan_.plans()) take_run(one);
  }

  /// All outputs of one call.
  std::vector<Floats> run(bool training, const Execution& execution) {
    memory_.forget_outputs();
    if (!variant_.all_outputs || variant_.layers == 1)
      call_.y = batch_major(memory_.take(steps * batch * plan_.width()), steps, plan_.width());
    for (std::size_t i = 0; i < runs_.size(); ++i) {
      const Plan& one = plan_.plans()[i];
      for (int k = 0; k < one.cell().states; ++k) {
        runs_[i].final[k] = memory_.take(batch * (k == 0 ? one.width() : one.units()));
        if (k > 0)
          runs_[i].states[k] = batch_major(memory_.take(steps * batch * one.units()), steps, one.units());
      }
      if (variant_.all_outputs)
        runs_[i].y = batch_major(memory_.take(steps * batch * one.width()), steps, one.width());
    }
    call_.runs = runs_;
    StackWorkspace workspace;
    workspace.prepare(plan_,
                      {.steps = steps,
                       .batch = batch,
                       .training = training,
                       .dropout = true,
                       .states = true,
                       .zoneout = true,
                       .zoneout_states = true});
    const bool meets = plan_.directions() == 2 && !plan_.independent() && plan_.layers() > 1;
    const bool in_chunks = !training && !meets && (plan_.layers() > 1 || plan_.adds(0));
    EXPECT_EQ(workspace.chunk_steps(call_), in_chunks ? 74 : steps);
    forward(plan_, packs_, call_, workspace, training, execution);
    i64 counted = 0;
    for (i64 row = 0; row < batch; ++row) counted += variant_.lengths ? lengths_[std::size_t(row)] : steps;
    for (int layer = 0; layer < plan_.layers(); ++layer) EXPECT_EQ(workspace.report(layer, 0).steps, counted);
    return memory_.outputs();
  }

 private:
  static constexpr PackedWeights::Use use = PackedWeights::Use::training;

  static Stack stack_of(const Variant& variant) {
    Stack stack{.input = 4, .layers = {}, .direction = variant.direction, .stacking = variant.stacking};
    const Stack::Layer layers[] = {{"lstm", 9, 5}, {"augru", 6}, {"lstm_layer_norm", 7}};
    for (int layer = 0; layer < variant.layers; ++layer) stack.layers.push_back(layers[layer]);
    return stack;
  }

  void take_run(const Plan& one) {
    StackRun& run = runs_.emplace_back();
    run.x_dropout = memory_.draw(batch * one.input());
    const bool projected = one.recurrence().projection > 0;
    if (!projected) run.h_dropout = memory_.draw(batch * one.units());
    for (int k = 0; k < one.cell().states; ++k) {
      const i64 width = k == 0 ? one.width() : one.units();
      if (variant_.initial) run.initial[k] = memory_.draw(batch * width);
      if (k > 0 || !projected)
        run.zoneout[k] =
            batch_major<const float>(memory_.draw(steps * batch * one.units()), steps, one.units());
    }
  }

  Variant variant_;
  CallMemory memory_;
  StackPlan plan_;
  StackPacks packs_;
  std::vector<int> lengths_ = {301, 0, 75, 74, 1, 300, 148};
  std::vector<StackRun> runs_;
  StackCall call_;
};

TEST(StackChunks, give_the_bits_of_whole_layers) {
  Team team(4);
  Random random(20261);
  int number = 0;
  const auto wavefront = [&](int threads, i64 wave) {
    return Execution{.team = &team, .threads = threads, .layers = Layers::wavefront, .wave = wave};
  };
  for (const Variant& variant : variants()) {
    ++number;
    Thinning thinning(number + number / 6);  // of what goes round in six, every one meets every target
    for (const Target* target : supported_targets()) {
      if (thinning.skips()) continue;
      SCOPED_TRACE(std::string(target->name) + ", variant " + std::to_string(number));
      Problem problem(variant, *target, random);
      const std::vector<Floats> expected = problem.run(true, {&team, 1});
      for (const Execution& execution : {Execution{&team, 1},
                                         {&team, 4, Schedule::units, 3, Directions::together},
                                         {&team, 3, Schedule::rows, 0, Directions::in_turn},
                                         wavefront(1, 1),
                                         wavefront(2, 8),
                                         wavefront(3, 3),
                                         wavefront(4, 0)}) {
        const std::vector<Floats> actual = problem.run(false, execution);
        ASSERT_EQ(actual.size(), expected.size());
        for (std::size_t i = 0; i < actual.size(); ++i) EXPECT_TRUE(same_bits(actual[i], expected[i])) << i;
      }
    }
  }
}

}  // namespace

}  // namespace recurra::test
