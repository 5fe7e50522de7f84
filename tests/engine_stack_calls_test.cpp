/// What stacks are made of, and what they refuse.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "recurra/engine/stack.h"
#include "tests/support/given_memory.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

using Floats = std::vector<float>;

TEST(Stacks, know_their_widths) {
  Stack stack{.input = 3, .layers = {{"lstm", 5}, {"gru", 7}}};
  EXPECT_EQ(StackPlan(stack).width(), 7);
  stack.direction = Direction::concat;
  EXPECT_EQ(StackPlan(stack).width(0), 10);
  EXPECT_EQ(StackPlan(stack).plan(1, 1).input(), 10);
  EXPECT_TRUE(StackPlan(stack).plan(1, 1).recurrence().reverse);
  stack.stacking = Stacking::independent;
  EXPECT_EQ(StackPlan(stack).width(), 14);
  EXPECT_EQ(StackPlan(stack).plan(1, 1).input(), 5);
  stack.direction = Direction::sum;
  EXPECT_EQ(StackPlan(stack).width(0), 10);
  EXPECT_EQ(StackPlan(stack).width(), 7);
  stack.stacking = Stacking::cross_fed;
  EXPECT_EQ(StackPlan(stack).plan(1, 0).input(), 5);
}

TEST(Stacks, find_room_for_all_they_were_prepared_for) {
  const StackPlan plan(Stack{.input = 3, .layers = {{"lstm", 5}, {"gru", 7}}, .direction = Direction::sum});
  StackPacks packs(plan, PackedWeights::Use::training);
  std::vector<Floats> memory;
  const auto take = [&](i64 size) {
    return memory.emplace_back(std::size_t(size), 0.1F).data();
  };
  std::vector<Weights> weights;
  for (const Plan& one : plan.plans()) {
    const i64 gates = one.cell().gates * one.units();
    weights.push_back({take(one.input() * gates), take(one.units() * gates), take(gates), nullptr, nullptr});
  }
  packs.pack(plan, weights);
  StackWorkspace workspace;
  workspace.prepare(plan, {.steps = 30, .batch = 1, .training = true});
  workspace.prepare(plan, {.steps = 1, .batch = 30});
  StackCall call;
  call.steps = call.batch = 30;
  call.x = batch_major<const float>(take(30 * 30 * 3), 30, 3);
  call.y = batch_major(take(30 * 30 * 7), 30, 7);
  StackBackwardCall back;
  back.dy = batch_major<const float>(take(30 * 30 * 7), 30, 7);
  back.dx = batch_major(take(30 * 30 * 3), 30, 3);
  forward(plan, packs, call, workspace, true);  // the address sanitizer looks on
  backward(plan, packs, call, back, workspace);
  EXPECT_STREQ(workspace.report(1, 1).target, active_target().name);
}

/// Of one layer and width, these differ in nothing but what becomes of both outputs.
TEST(Stacks, of_the_same_recurrences_do_not_share_a_workspace) {
  const auto stack_of = [](Direction direction, Stacking stacking) {
    return StackPlan({.input = 3, .layers = {{"gru", 5}}, .direction = direction, .stacking = stacking});
  };
  const StackPlan concat = stack_of(Direction::concat, Stacking::cross_fed);
  const StackPlan sum = stack_of(Direction::sum, Stacking::cross_fed);
  const StackPlan independent = stack_of(Direction::sum, Stacking::independent);
  ASSERT_EQ(concat.plans(), sum.plans());
  ASSERT_EQ(sum.plans(), independent.plans());
  const Floats weights(100, 0.1F);
  StackPacks packs(concat, PackedWeights::Use::training);
  packs.pack(concat, std::vector<Weights>(2, {weights.data(), weights.data()}));
  Floats y(10, -7.0F);
  StackCall call;
  call.steps = call.batch = 1;
  call.x = batch_major(weights.data(), 1, 3);
  call.y = batch_major(y.data(), 1, 10);
  StackWorkspace workspace;
  const Room room{.steps = 1, .batch = 1, .training = true};
  const auto refusal = [&](const StackPlan& plan) {
    return error_text(ErrorCode::invalid_argument, [&] { forward(plan, packs, call, workspace, true); });
  };
  workspace.prepare(concat, room);
  const std::string refused =
      "workspace: expected one prepared for this plan, 1 steps and 1 rows, got one that is not";
  EXPECT_EQ(refusal(sum), refused);
  workspace.prepare(sum, room);
  EXPECT_EQ(refusal(independent), refused);
  EXPECT_EQ(refusal(sum), "no error");
  EXPECT_EQ(y[4], y[0]);
  EXPECT_EQ(y[5], -7.0F) << "nothing behind the sum";
}

TEST(Stacks, of_the_same_recurrences_do_not_share_what_is_kept) {
  const auto stack_of = [](Direction direction) {
    return StackPlan({.input = 3, .layers = {{"gru", 5}}, .direction = direction});
  };
  const StackPlan concat = stack_of(Direction::concat), sum = stack_of(Direction::sum);
  const Floats weights(100, 0.1F);
  StackPacks packs(concat, PackedWeights::Use::training);
  packs.pack(concat, std::vector<Weights>(2, {weights.data(), weights.data()}));
  Floats y(10);
  StackCall call;
  call.steps = call.batch = 1;
  call.x = batch_major(weights.data(), 1, 3);
  call.y = batch_major(y.data(), 1, 10);
  const Room room{.steps = 1, .batch = 1, .training = true, .takes_y = true};
  GivenMemory kept, scratch;
  const auto memory = kept.take(StackWorkspace::bytes(sum, room).kept);
  const auto work = scratch.take(StackWorkspace::bytes(sum, room).scratch);
  StackWorkspace one, other;
  one.prepare(concat, room, memory, work);
  other.prepare(sum, room, memory, work);
  forward(concat, packs, call, one, true);
  const auto refusal = [&](const StackPlan& plan, StackWorkspace& workspace) {
    return error_text(ErrorCode::invalid_argument, [&] { backward(plan, packs, call, {}, workspace); });
  };
  const std::string refused =
      "workspace: expected one filled by a training forward of this call, unused, got none";
  EXPECT_EQ(refusal(sum, other), refused);
  EXPECT_EQ(refusal(concat, one), "no error");
  EXPECT_EQ(refusal(concat, one), refused) << "used";
}

TEST(Stacks, refuse_what_does_not_fit) {
  const auto refusal = [](auto action) {
    return error_text(ErrorCode::invalid_argument, action);
  };
  EXPECT_EQ(refusal([] { StackPlan(Stack{.input = 3, .layers = {}}); }),
            "layers: expected at least one, got none");
  const Stack bad_direction{.input = 3, .layers = {{"lstm", 4}}, .direction = Direction(4)};
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { StackPlan plan(bad_direction); }),
            "direction: expected an enumerator, 0 to 3, got 4");
  const Stack bad_stacking{.input = 3, .layers = {{"lstm", 4}}, .stacking = Stacking(-1)};
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { StackPlan plan(bad_stacking); }),
            "stacking: expected an enumerator, 0 to 1, got -1");
  const StackPlan plan(Stack{.input = 3, .layers = {{"lstm", 5}, {"gru", 7}}});
  StackPacks packs(plan, PackedWeights::Use::training);
  EXPECT_EQ(refusal([&] { packs.pack(plan, {}); }),
            "weights: expected 2, one for each layer and direction, got 0");
  StackWorkspace workspace;
  StackCall call;
  call.steps = 2;
  call.batch = 1;
  EXPECT_EQ(refusal([&] { forward(plan, packs, call, workspace); }),
            "workspace: expected one prepared for this plan, 2 steps and 1 rows, got one that is not");
  workspace.prepare(plan, {.steps = 1, .batch = 1, .training = true});
  EXPECT_EQ(refusal([&] { forward(plan, packs, call, workspace); }),
            "workspace: expected one prepared for this plan, 2 steps and 1 rows, got 1 steps and 1 rows");
  call.steps = 1;
  const std::vector<StackRun> runs(3);
  call.runs = runs;
  EXPECT_EQ(refusal([&] { forward(plan, packs, call, workspace); }),
            "runs: expected none or 2, one for each layer and direction, got 3");
  call.runs = {};
  const float attention = 0.5F;
  call.attention = {&attention, 1, 1};
  EXPECT_EQ(refusal([&] { forward(plan, packs, call, workspace); }),
            "attention: expected none for a stack whose cells take none, got a sequence");
  const StackPlan attended(Stack{.input = 3, .layers = {{"lstm", 5}, {"augru", 7}}});
  workspace.prepare(attended, {.steps = 1, .batch = 1, .training = true});
  call.attention = {};
  EXPECT_EQ(refusal([&] { forward(attended, packs, call, workspace); }),
            "attention: expected a sequence for a stack whose cells take one, got null");
}

}  // namespace

}  // namespace recurra::test
