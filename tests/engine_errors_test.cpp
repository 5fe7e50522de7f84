/// What the engine refuses, each by its text.
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "tests/support/engine_layer.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

using Floats = std::vector<float>;

template <class Action>
std::string refusal(Action action) {
  return error_text(ErrorCode::invalid_argument, action);
}

/// Calls of a layer, by the texts they are refused with.
struct Caller {
  std::string forward(bool training = false) {
    return refusal([&] { recurra::forward(layer.plan, *packs, call, workspace, training); });
  }

  std::string backward() {
    return refusal([&] { recurra::backward(layer.plan, *packs, call, layer.back, workspace); });
  }

  Layer layer{{"lstm", 3, 5, 0, false}};
  Workspace workspace;
  Call call = layer.call;
  const PackedWeights* packs = &layer.packs;
};

TEST(Errors, a_workspace_must_be_prepared_for_the_call) {
  Caller caller;
  const std::string wanted = "workspace: expected one prepared for this plan, 4 steps and 2 rows";
  EXPECT_EQ(caller.forward(), wanted + " for inference, got one that is not");
  caller.workspace.prepare(caller.layer.plan, {.steps = 3, .batch = 2});
  EXPECT_EQ(caller.forward(), wanted + " for inference, got 3 steps and 2 rows for inference");
  caller.workspace.prepare(caller.layer.plan, {.steps = 4, .batch = 1});
  EXPECT_EQ(caller.forward(), "no error") << "room of both";
  EXPECT_EQ(caller.forward(true), wanted + " for training, got 4 steps and 2 rows for inference");
  const Plan other({"lstm", 3, 4, 0, false});
  caller.workspace.prepare(other, {.steps = 4, .batch = 2, .training = true});
  EXPECT_EQ(caller.forward(), wanted + " for inference, got one that is not");
}

TEST(Errors, masks_and_dropout_need_room_of_their_own) {
  Caller caller;
  const std::string wanted =
      "workspace: expected one prepared for this plan, 4 steps and 2 rows for inference";
  const std::string got = ", got 4 steps and 2 rows for inference";
  caller.workspace.prepare(caller.layer.plan, {.steps = 4, .batch = 2});
  const std::vector<unsigned char> mask(8, 1);
  const Floats factors(10, 2.0F);
  caller.call.mask = mask.data();
  EXPECT_EQ(caller.forward(), wanted + " with masks" + got);
  caller.call.x_dropout = factors.data();
  EXPECT_EQ(caller.forward(), wanted + " with masks with dropout" + got);
  caller.call.mask = nullptr;
  const int lengths[] = {4, 3};
  caller.call.lengths = lengths;
  EXPECT_EQ(caller.forward(), wanted + " with dropout" + got);
  caller.call.fill = Fill::repeat;
  EXPECT_EQ(caller.forward(), wanted + " with masks with dropout" + got);
  caller.workspace.prepare(caller.layer.plan, {.steps = 4, .batch = 2, .masks = true, .dropout = true});
  EXPECT_EQ(caller.forward(), "no error");
}

TEST(Errors, a_call_has_lengths_or_a_mask_and_dropout_where_there_is_a_product) {
  Caller caller;
  caller.workspace.prepare(caller.layer.plan, {.steps = 4, .batch = 2, .masks = true, .dropout = true});
  const std::vector<unsigned char> mask(8, 1);
  const int lengths[] = {4, 3};
  caller.call.mask = mask.data();
  caller.call.lengths = lengths;
  EXPECT_EQ(caller.forward(), "mask: expected none beside lengths, got both");
  const Floats factors(10, 2.0F);
  Layer projected({"lstm", 3, 5, 2, false});
  projected.call.h_dropout = factors.data();
  caller.workspace.prepare(projected.plan, {.steps = 4, .batch = 2, .dropout = true});
  EXPECT_EQ(
      error_text(ErrorCode::unsupported,
                 [&] { forward(projected.plan, projected.packs, projected.call, caller.workspace); }),
      "h_dropout \"lstm with a projection\": supported are cells with a recurrent product and no projection");
}

TEST(Errors, an_attention_goes_to_the_cells_that_take_one) {
  Caller caller;
  caller.workspace.prepare(caller.layer.plan, {.steps = 4, .batch = 2, .training = true});
  Floats numbers(8, 0.5F);
  caller.call.attention = batch_major<const float>(numbers.data(), 4, 1);
  EXPECT_EQ(caller.forward(), "attention: expected none for cell \"lstm\", got a sequence");
  caller.call.attention = {};
  EXPECT_EQ(caller.forward(true), "no error");
  caller.layer.back.d_attention = batch_major(numbers.data(), 4, 1);
  EXPECT_EQ(caller.backward(), "d_attention: expected none for cell \"lstm\", got a sequence");
  Layer attended({"augru", 3, 5, 0, false});
  attended.call.attention = {};
  caller.workspace.prepare(attended.plan, {.steps = 4, .batch = 2});
  EXPECT_EQ(refusal([&] { forward(attended.plan, attended.packs, attended.call, caller.workspace); }),
            "attention: expected a sequence for cell \"augru\", got null");
}

TEST(Errors, a_workspace_notices_another_plan_in_the_place_of_its_own) {
  Layer small({"lstm", 3, 5, 0, false});
  auto plan = std::make_optional<Plan>(Recurrence{"lstm", 3, 50, 0, false});
  Workspace workspace;
  workspace.prepare(*plan, {.steps = 4, .batch = 2});
  plan.emplace(Recurrence{"lstm", 3, 5, 0, false});
  EXPECT_EQ(refusal([&] { forward(*plan, small.packs, small.call, workspace); }),
            "workspace: expected one prepared for this plan, 4 steps and 2 rows for inference, got one that "
            "is not");
}

TEST(Errors, a_workspace_has_sizes_from_0_up_that_fit) {
  Caller caller;
  const auto prepare = [&](i64 steps, i64 batch) {
    return refusal([&] { caller.workspace.prepare(caller.layer.plan, {.steps = steps, .batch = batch}); });
  };
  EXPECT_EQ(prepare(-1, 2), "workspace: expected steps and batch from 0 to 2147483647, got -1 and 2");
  EXPECT_EQ(prepare(4, -2), "workspace: expected steps and batch from 0 to 2147483647, got 4 and -2");
  EXPECT_EQ(prepare(i64{1} << 31, 2),
            "workspace: expected steps and batch from 0 to 2147483647, got 2147483648 and 2");
  // Before memory is taken.
  constexpr i64 most = (i64{1} << 31) - 1;
  const std::string text = refusal(
      [&] { caller.workspace.prepare(caller.layer.plan, {.steps = most, .batch = most, .training = true}); });
  EXPECT_TRUE(text.starts_with("workspace: expected sizes whose product fits into 63 bits, got ")) << text;
}

TEST(Errors, a_call_has_sizes_from_0_up_an_input_and_lengths_within_its_steps) {
  Caller caller;
  caller.workspace.prepare(caller.layer.plan, {.steps = 4, .batch = 2, .training = true});
  caller.call.steps = -1;
  EXPECT_EQ(caller.forward(), "call: expected steps and batch from 0 up, got -1 and 2");
  caller.call.batch = -3;
  EXPECT_EQ(caller.forward(), "call: expected steps and batch from 0 up, got -1 and -3");
  caller.call = caller.layer.call;
  caller.call.x.data = nullptr;
  EXPECT_EQ(caller.forward(), "x: expected a sequence, got null");
  caller.call = caller.layer.call;
  int lengths[] = {4, 5};
  caller.call.lengths = lengths;
  EXPECT_EQ(caller.forward(), "lengths[1]: expected 0 to 4, got 5");
  lengths[0] = -1;
  EXPECT_EQ(caller.forward(), "lengths[0]: expected 0 to 4, got -1");
}

TEST(Errors, each_training_forward_serves_one_backward) {
  Caller caller;
  std::string wanted = "workspace: expected one filled by a training forward of this call, unused, got ";
  caller.workspace.prepare(caller.layer.plan, {.steps = 4, .batch = 2, .training = true});
  EXPECT_EQ(caller.backward(), wanted + "none");
  EXPECT_EQ(caller.forward(), "no error");
  EXPECT_EQ(caller.backward(), wanted + "none");
  EXPECT_EQ(caller.forward(true), "no error");
  caller.call.steps = 3;
  EXPECT_EQ(caller.backward(), wanted + "one of another call");
  caller.call.steps = 4;
  EXPECT_EQ(caller.backward(), "no error");
  EXPECT_EQ(caller.backward(), wanted + "none");
  EXPECT_EQ(caller.forward(true), "no error");
  caller.workspace.prepare(caller.layer.plan, {.steps = 5, .batch = 2, .training = true});
  EXPECT_EQ(caller.backward(), wanted + "none") << "its memory is new";
}

TEST(Errors, a_backward_has_the_call_of_its_forward) {
  Caller caller;
  Layer& layer = caller.layer;
  caller.workspace.prepare(
      layer.plan,
      {.steps = 4, .batch = 2, .training = true, .masks = true, .dropout = true, .zoneout_states = true});
  const Floats numbers(40, 0.5F);
  std::vector<unsigned char> mask(8, 1);
  int lengths[] = {4, 3};
  const auto refused = [&](auto change) {
    caller.call = layer.call;
    caller.call.lengths = lengths;
    EXPECT_EQ(caller.forward(true), "no error");
    const std::string with_others = (change(), caller.backward());
    caller.call = layer.call;
    caller.call.lengths = lengths;
    lengths[0] = 4;
    lengths[1] = 3;
    EXPECT_EQ(caller.backward(), "no error") << "nothing was used up";
    return with_others;
  };
  Call& call = caller.call;
  EXPECT_EQ(refused([&] { lengths[1] = 2; }), "lengths: expected those of the training forward, got others");
  EXPECT_EQ(refused([&] { lengths[1] = 5; }), "lengths[1]: expected 0 to 4, got 5");
  EXPECT_EQ(refused([&] { call.lengths = nullptr; }),
            "lengths: expected some, as in the training forward, got none");
  EXPECT_EQ(refused([&] { call.mask = mask.data(); }), "mask: expected none beside lengths, got both");
  EXPECT_EQ(refused([&] { call.fill = Fill::repeat; }),
            "Fill::repeat: expected none, as in the training forward, got some");
  EXPECT_EQ(refused([&] { call.y = {}; }), "y: expected some, as in the training forward, got none");
  EXPECT_EQ(refused([&] { call.x = {}; }), "x: expected a sequence, got null");
  EXPECT_EQ(refused([&] { call.initial[0] = numbers.data(); }),
            "initial[0]: expected none, as in the training forward, got some");
  EXPECT_EQ(refused([&] { call.x_dropout = numbers.data(); }),
            "x_dropout: expected none, as in the training forward, got some");
  EXPECT_EQ(refused([&] {
              call.zoneout[1] = {numbers.data(), 0, 0};
            }),
            "zoneout[1]: expected none, as in the training forward, got some");
  EXPECT_EQ(refused([&] {
              call.zoneout[2] = {numbers.data(), 0, 0};
            }),
            "zoneout[2]: expected null for cell \"lstm\" of 2 states, got a sequence");
  EXPECT_EQ(refused([&] {
              call.attention = {numbers.data(), 0, 0};
            }),
            "attention: expected none for cell \"lstm\", got a sequence");
  call = layer.call;
  call.mask = mask.data();
  EXPECT_EQ(caller.forward(true), "no error");
  mask[5] = 0;
  EXPECT_EQ(caller.backward(), "mask: expected that of the training forward, got another");
  mask[5] = 7;
  EXPECT_EQ(caller.backward(), "no error") << "a step that counts";
}

TEST(Errors, a_backward_needs_the_room_of_its_call) {
  Caller caller;
  caller.workspace.prepare(caller.layer.plan, {.steps = 4, .batch = 2, .training = true});
  EXPECT_EQ(caller.forward(true), "no error");
  const std::vector<unsigned char> mask(8, 1);
  caller.call.mask = mask.data();
  EXPECT_EQ(
      caller.backward(),
      "workspace: expected one prepared for this plan, 4 steps and 2 rows for training with masks, got 4 "
      "steps and 2 rows for training");
}

TEST(Errors, packs_must_be_made_for_training_and_for_this_plan) {
  Caller caller;
  caller.workspace.prepare(caller.layer.plan, {.steps = 4, .batch = 2, .training = true});
  const Layer larger({"lstm", 3, 50, 0, false});
  const PackedWeights inference(caller.layer.plan, PackedWeights::Use::inference);
  EXPECT_EQ(caller.forward(true), "no error");
  caller.packs = &larger.packs;
  EXPECT_EQ(caller.backward(), "weights: expected packs of this plan, got packs of another");
  EXPECT_EQ(caller.forward(), "weights: expected packs of this plan, got packs of another");
  caller.packs = &inference;
  EXPECT_EQ(caller.backward(), "weights: expected packs for training, got packs for inference");
  EXPECT_EQ(caller.forward(true), "weights: expected packs for training, got packs for inference");
}

}  // namespace

}  // namespace recurra::test
