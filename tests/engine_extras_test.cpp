/// What few calls have, by what it must do whatever the numbers: zoneout, states of every step, a clip.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "recurra/engine/stack.h"
#include "tests/support/engine_layer.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

using Floats = std::vector<float>;

constexpr i64 steps = 4, batch = 2, units = 21;

/// An LSTM of 21 units, its memory, and room for everything.
struct Lstm {
  explicit Lstm(float clip = 0, i64 projection = 0)
      : layer({"lstm", 3, units, projection, false, {}, clip}, steps, batch) {
    workspace.prepare(layer.plan,
                      {.steps = steps,
                       .batch = batch,
                       .training = true,
                       .states = true,
                       .zoneout = true,
                       .zoneout_states = true});
    for (Floats& values : layer.memory) {
      for (float& value : values) value = std::sin(float(++drawn));
    }
    layer.packs.pack(layer.plan, layer.weights);
  }

  Floats run() {
    forward(layer.plan, layer.packs, layer.call, workspace, true);
    return {layer.call.y.data, layer.call.y.data + steps * batch * layer.plan.width()};
  }

  std::string refusal() {
    return error_text(ErrorCode::invalid_argument,
                      [&] { forward(layer.plan, layer.packs, layer.call, workspace, true); });
  }

  int drawn = 0;
  Layer layer;
  Workspace workspace;
};

TEST(Zoneout, of_one_keeps_the_old_states_and_of_zero_none) {
  Lstm lstm;
  const Floats plain = lstm.run();
  const Floats zeros(units), ones(units, 1.0F);
  const Floats h0(batch * units, 0.25F), c0(batch * units, -3.0F);
  lstm.layer.call.zoneout[0] = lstm.layer.call.zoneout[1] = {zeros.data(), 0, 0};
  EXPECT_EQ(lstm.run(), plain);
  lstm.layer.call.zoneout[0] = lstm.layer.call.zoneout[1] = {ones.data(), 0, 0};
  lstm.layer.call.initial[0] = h0.data();
  lstm.layer.call.initial[1] = c0.data();
  EXPECT_EQ(lstm.run(), Floats(steps * batch * units, 0.25F));
  EXPECT_EQ(Floats(lstm.layer.call.final[1], lstm.layer.call.final[1] + batch * units), c0);
}

TEST(Zoneout, of_one_for_c_alone_leaves_h_of_the_fresh_c) {
  Lstm lstm;
  lstm.layer.call.steps = 1;
  const Floats plain = lstm.run();
  const Floats ones(units, 1.0F);
  lstm.layer.call.zoneout[1] = {ones.data(), 0, 0};
  EXPECT_EQ(lstm.run(), plain);
  EXPECT_EQ(Floats(lstm.layer.call.final[1], lstm.layer.call.final[1] + batch * units),
            Floats(batch * units));
}

TEST(Zoneout, takes_any_strides) {
  Lstm lstm;
  const Floats rate(units, 0.15F), everywhere(steps * batch * units, 0.15F);
  lstm.layer.call.zoneout[0] = lstm.layer.call.zoneout[1] = {rate.data(), 0, 0};
  const Floats constant = lstm.run();
  lstm.layer.call.zoneout[0] = lstm.layer.call.zoneout[1] = batch_major(everywhere.data(), steps, units);
  EXPECT_EQ(lstm.run(), constant);
}

TEST(States, of_the_last_step_are_the_final_ones) {
  Lstm lstm;
  Floats c(steps * batch * units);
  lstm.layer.call.states[1] = batch_major(c.data(), steps, units);
  lstm.run();
  for (i64 row = 0; row < batch; ++row) {
    const auto last = c.begin() + (row * steps + steps - 1) * units;
    EXPECT_TRUE(std::equal(last, last + units, lstm.layer.call.final[1] + row * units));
  }
}

TEST(Clip, limits_the_states_and_lets_what_is_no_number_through) {
  Lstm lstm(0.125F);
  Floats c(steps * batch * units);
  lstm.layer.call.states[1] = batch_major(c.data(), steps, units);
  lstm.run();
  EXPECT_EQ(*std::ranges::max_element(c), 0.125F);
  EXPECT_EQ(*std::ranges::min_element(c), -0.125F);
  Floats c0(batch * units);
  c0[5] = NAN;
  lstm.layer.call.initial[1] = c0.data();
  const Floats y = lstm.run();
  EXPECT_TRUE(std::isnan(c[5]));
  EXPECT_TRUE(std::isnan(y[5]));
  EXPECT_FALSE(std::isnan(c[6]));
}

TEST(Refusals, of_what_a_call_cannot_have) {
  Floats numbers(steps * batch * units);
  const Sequence sequence = batch_major(numbers.data(), steps, units);
  const ConstSequence given = batch_major<const float>(numbers.data(), steps, units);
  Lstm lstm;
  lstm.layer.call.states[0] = sequence;
  EXPECT_EQ(lstm.refusal(), "states[0]: expected null: state 0 is the output, got a sequence");
  lstm.layer.call.states[0] = {};
  lstm.layer.call.states[2] = sequence;
  EXPECT_EQ(lstm.refusal(), "states[2]: expected null for cell \"lstm\" of 2 states, got a sequence");
  lstm.layer.call.states[2] = {};
  lstm.layer.call.zoneout[2] = given;
  EXPECT_EQ(lstm.refusal(), "zoneout[2]: expected null for cell \"lstm\" of 2 states, got a sequence");
  lstm.layer.call.zoneout[2] = {};
  EXPECT_EQ(lstm.refusal(), "no error");
  lstm.layer.back.d_states[0] = given;
  EXPECT_EQ(
      error_text(ErrorCode::invalid_argument,
                 [&] {
                   backward(
                       lstm.layer.plan, lstm.layer.packs, lstm.layer.call, lstm.layer.back, lstm.workspace);
                 }),
      "d_states[0]: expected null: state 0 is the output, got a sequence");
  Lstm projected(0, 5);
  projected.layer.call.zoneout[0] = given;
  EXPECT_EQ(projected.refusal(), "zoneout[0]: expected null beside a projection, got a sequence");
}

TEST(Refusals, of_a_workspace_without_their_room) {
  Lstm lstm;
  Floats numbers(steps * batch * units);
  Workspace workspace;
  workspace.prepare(lstm.layer.plan, {.steps = steps, .batch = batch, .training = true});
  const auto refusal = [&](auto action) {
    return error_text(ErrorCode::invalid_argument, action);
  };
  const auto forward_once = [&] {
    forward(lstm.layer.plan, lstm.layer.packs, lstm.layer.call, workspace, true);
  };
  const std::string wanted =
      "workspace: expected one prepared for this plan, 4 steps and 2 rows for training";
  const std::string got = ", got 4 steps and 2 rows for training";
  lstm.layer.call.states[1] = batch_major(numbers.data(), steps, units);
  EXPECT_EQ(refusal(forward_once), wanted + " with states" + got);
  lstm.layer.call.zoneout[1] = batch_major<const float>(numbers.data(), steps, units);
  EXPECT_EQ(refusal(forward_once), wanted + " with states with zoneout of states" + got);
  lstm.layer.call.states[1] = {};
  lstm.layer.call.zoneout[1] = {};
  EXPECT_EQ(refusal(forward_once), "no error");
  lstm.layer.back.d_states[1] = batch_major<const float>(numbers.data(), steps, units);
  EXPECT_EQ(refusal([&] {
              backward(lstm.layer.plan, lstm.layer.packs, lstm.layer.call, lstm.layer.back, workspace);
            }),
            "workspace: expected one prepared for states of every step, got one that is not");
}

TEST(Refusals, of_a_clip_that_is_none_or_no_cells) {
  const auto refusal = [](const char* cell, float clip) {
    return error_text(ErrorCode::invalid_argument, [&] { Plan({cell, 3, 5, 0, false, {}, clip}); });
  };
  EXPECT_EQ(refusal("lstm", 0), "no error");
  EXPECT_EQ(refusal("lstm", -1), "clip: expected 0 or a number above, got -1");
  EXPECT_EQ(refusal("lstm", -1e-9F), "clip: expected 0 or a number above, got -1e-09");
  EXPECT_EQ(refusal("lstm", NAN), "clip: expected 0 or a number above, got nan");
  EXPECT_EQ(refusal("lstm", INFINITY), "clip: expected 0 or a number above, got inf");
  EXPECT_EQ(refusal("gru", 2), "clip: expected 0 for cell \"gru\", got 2");
}

TEST(Refusals, of_a_bound_that_is_none_or_without_projection) {
  const auto refusal = [](i64 projection, float bound) {
    return error_text(ErrorCode::invalid_argument, [&] {
      Plan({"lstm", 3, 5, projection, false, {}, 0, bound});
    });
  };
  EXPECT_EQ(refusal(4, 0.5F), "no error");
  EXPECT_EQ(refusal(4, -1), "projection_clip: expected 0 or a number above, got -1");
  EXPECT_EQ(refusal(4, NAN), "projection_clip: expected 0 or a number above, got nan");
  EXPECT_EQ(refusal(0, 0.5F), "projection_clip: expected 0 without a projection, got 0.5");
}

TEST(Refusals, of_a_stacks_output_gradients_without_room) {
  const StackPlan plan(Stack{.input = 3, .layers = {{"vanilla", 5}, {"vanilla", 7}}});
  StackPacks packs(plan, PackedWeights::Use::training);
  const Floats weights(200, 0.1F);
  std::vector<Weights> all(2, {weights.data(), weights.data(), nullptr, nullptr, nullptr});
  packs.pack(plan, all);
  StackWorkspace workspace;
  workspace.prepare(plan, {.steps = 1, .batch = 1, .training = true});
  StackCall call;
  call.steps = call.batch = 1;
  call.x = batch_major(weights.data(), 1, 3);
  forward(plan, packs, call, workspace, true);
  std::vector<StackRunGradients> runs(2);
  runs[0].dy = batch_major(weights.data(), 1, 5);
  StackBackwardCall back;
  back.runs = runs;
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { backward(plan, packs, call, back, workspace); }),
            "workspace: expected one prepared for states of every step, got one that is not");
}

}  // namespace

}  // namespace recurra::test
