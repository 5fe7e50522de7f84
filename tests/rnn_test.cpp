/// RNN over cells that users write: gradients, masks, states and weights.
#include "recurra/layers/rnn.h"

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/layers/recurrent_cells.h"
#include "recurra/layers/stacked_rnn_cells.h"
#include "tests/support/layer_gradients.h"
#include "tests/support/rnn_sizes.h"
#include "tests/support/tensors.h"
#include "tests/support/user_cells.h"

namespace recurra::test {
namespace {

TEST(Rnn, gradients_of_a_users_cell_are_right) {
  const StepMask mask = mask_with_holes();
  for (const bool masked : {false, true}) {
    for (const RnnOptions& options : {RnnOptions{},
                                      RnnOptions{.return_sequences = true, .go_backwards = true},
                                      RnnOptions{.return_sequences = true, .zero_output_for_mask = true}}) {
      Rnn rnn(std::make_unique<OneStateCell>(3), options);
      Random random(1);
      rnn.build({steps, features}, random);
      for (Parameter* parameter : rnn.parameters()) {
        for (float& value : parameter->value.as<float>()) value = 0.4F * random.normal();
      }
      Context context;
      context.training = true;
      context.mask = masked ? &mask : nullptr;
      const Tensor x = normal({batch, steps, features}, 1);
      rnn.parameters_changed();
      expect_gradients(rnn, x, normal(rnn.forward(x, context).shape(), 2), context);
    }
  }
}

using List = std::vector<const Tensor*>;

/// The sum of all results times d, for central differences.
double weighted(TensorList results, const std::vector<Tensor>& d) {
  double sum = 0;
  for (std::size_t k = 0; k < results.size(); ++k) {
    for (i64 i = 0; i < results[k]->size(); ++i) sum += double(d[k].data()[i]) * results[k]->data()[i];
  }
  return sum;
}

TEST(Rnn, nested_inputs_states_and_outputs_have_gradients) {
  Rnn rnn(std::make_unique<NestedCell>(2, 3, 2), {.return_sequences = true, .return_state = true});
  Random random(1);
  const std::vector<Shape> shapes = {{steps, 5}, {steps, 3, 2}, {2}, {3, 2}};
  EXPECT_THAT(rnn.build(shapes, random),
              testing::ElementsAre(Shape{steps, 2}, Shape{steps, 3, 2}, Shape{2}, Shape{3, 2}));
  std::vector<Tensor> given = {normal({batch, steps, 5}, 1),
                               normal({batch, steps, 3, 2}, 2),
                               normal({batch, 2}, 3),
                               normal({batch, 3, 2}, 4)};
  const List inputs = {&given[0], &given[1], &given[2], &given[3]};
  std::vector<Tensor> d;
  for (const Shape& shape :
       {Shape{batch, steps, 2}, Shape{batch, steps, 3, 2}, Shape{batch, 2}, Shape{batch, 3, 2}})
    d.push_back(normal(shape, 10 + d.size()));
  Context context;
  context.training = true;
  const auto loss = [&] {
    rnn.parameters_changed();
    return weighted(rnn.forward(inputs, context), d);
  };
  loss();
  const std::vector<std::uint8_t> all(4, 1);
  const TensorList gradients = rnn.backward(inputs, List{&d[0], &d[1], &d[2], &d[3]}, all, context);
  std::vector<std::pair<Tensor*, Tensor>> list;
  for (std::size_t i = 0; i < 4; ++i) list.emplace_back(&given[i], *gradients[i]);
  for (Parameter* parameter : rnn.parameters()) list.emplace_back(&parameter->value, parameter->gradient);
  for (auto& pair : list) {
    ASSERT_EQ(pair.first->shape(), pair.second.shape());
    for (i64 i = 0; i < pair.first->size(); i += std::max<i64>(pair.first->size() / 15, 1)) {
      float& value = pair.first->data()[i];
      const float at = value;
      value = at + 0.01F;
      const double above = loss();
      value = at - 0.01F;
      const double below = loss();
      value = at;
      // Rounding of some hundred f32 numbers over the step, and a third derivative of order one.
      EXPECT_NEAR(pair.second.data()[i], (above - below) / 0.02, 3e-3);
    }
  }
}

TEST(Rnn, gradients_go_where_they_are_wanted_alone) {
  Rnn rnn(std::make_unique<TwoStatesCell>(2), {.return_state = true});
  Random random(1);
  rnn.build(std::vector<Shape>{{steps, 3}}, random);
  Context context;
  context.training = true;
  const Tensor x = normal({batch, steps, 3}, 1);
  rnn.forward(List{&x}, context);
  const Tensor d({batch, 2});
  const std::vector<std::uint8_t> none = {0}, one = {1};
  EXPECT_EQ(rnn.backward(List{&x}, List{nullptr, nullptr, &d}, none, context)[0], nullptr);
  for (const float value : rnn.parameters()[0]->gradient.as<float>()) EXPECT_EQ(value, 0.0F);
  rnn.forward(List{&x}, context);
  const Tensor ones = floats({batch, 2}, std::vector<float>(batch * 2, 1));
  EXPECT_EQ(rnn.backward(List{&x}, List{nullptr, &ones, nullptr}, one, context)[0]->shape(), x.shape());
  EXPECT_NE(rnn.parameters()[0]->gradient.data()[0], 0.0F);
}

TEST(Rnn, a_stateful_layer_goes_on_with_the_bits_of_one_long_run) {
  for (const bool own : {false, true}) {
    const auto make = [&]() -> std::unique_ptr<Cell> {
      if (own) return std::make_unique<OneStateCell>(3);
      return std::make_unique<LstmCell>(LstmOptions{{.units = 3}});
    };
    Rnn whole(make(), {.stateful = true}), parts(make(), {.stateful = true});
    Random a(1), b(1);
    whole.build({steps, features}, a);
    parts.build({any_extent, features}, b);
    for (Rnn* rnn : {&whole, &parts}) {
      for (Parameter* parameter : rnn->parameters()) {
        for (float& value : parameter->value.as<float>()) value *= 0.3F;
      }
      rnn->parameters_changed();
    }
    const Tensor x = normal({batch, steps, features}, 1);
    Tensor first({batch, 2, features}), rest({batch, steps - 2, features});
    for (i64 row = 0; row < batch; ++row) {
      std::copy_n(x.data() + row * steps * features, 2 * features, first.data() + row * 2 * features);
      std::copy_n(x.data() + (row * steps + 2) * features,
                  (steps - 2) * features,
                  rest.data() + row * (steps - 2) * features);
    }
    const Tensor expected = whole.forward(x, {});
    const std::vector<Tensor> states = whole.states();
    for (int round = 0; round < 2; ++round) {
      parts.forward(first, {});
      const Tensor y = parts.forward(rest, {});
      EXPECT_TRUE(std::ranges::equal(y.as<float>(), expected.as<float>()));
      for (std::size_t k = 0; k < states.size(); ++k)
        EXPECT_TRUE(std::ranges::equal(parts.states()[k].as<float>(), states[k].as<float>()));
      parts.reset_states();
    }
    EXPECT_TRUE(parts.carried_states()[0]->fresh());
    parts.set_states(states);
    EXPECT_EQ(parts.states().size(), states.size());
  }
}

TEST(Rnn, weights_have_what_other_parameters_have) {
  class Tied final : public Cell {
   public:
    Tied() : Cell("tied") {}

    [[nodiscard]] const char* type() const noexcept override { return "Tied"; }

    [[nodiscard]] std::vector<Shape> state_shapes() const override { return {{3}}; }

   private:
    void run_build(std::span<const Shape>) override {
      w_ = add_weight(
          "w", {3}, {.initializer = Constant{2}, .regularizer = l2(0.5), .constraint = max_norm(1)});
    }

    [[nodiscard]] CellStep run_step(const Variables& x, const Variables& states, const Context&) override {
      return {{x[0] * w_ + states[0]}, {states[0] * w_}};
    }

    autograd::Variable w_;
  };

  Rnn rnn(std::make_unique<Tied>());
  Random random(1);
  rnn.build({steps, 3}, random);
  ASSERT_EQ(rnn.parameters().size(), 1U);
  EXPECT_EQ(rnn.parameters()[0]->name, "w");
  EXPECT_NE(rnn.parameters()[0]->constraint, nullptr);
  EXPECT_DOUBLE_EQ(rnn.penalty(), 0.5 * 3 * 4);
  Rnn frozen(std::make_unique<Tied>());
  frozen.set_trainable(false);
  frozen.build({steps, 3}, random);
  EXPECT_FALSE(frozen.parameters()[0]->trainable);
  Context context;
  context.training = true;
  const Tensor x = normal({batch, steps, 3}, 1);
  EXPECT_EQ(frozen.backward(x, frozen.forward(x, context), true, context).shape(), x.shape());
}

TEST(Rnn, stacked_cells_are_named_by_cell_and_weight) {
  std::vector<std::unique_ptr<Cell>> cells;
  cells.push_back(std::make_unique<LstmCell>(LstmOptions{{.units = 2}}));
  cells.push_back(std::make_unique<LstmCell>(LstmOptions{{.units = 3}}));
  Rnn rnn(std::move(cells), {.return_state = true});
  Random random(1);
  EXPECT_EQ(rnn.build(std::vector<Shape>{{steps, features}}, random)[0], Shape{3});
  std::vector<std::string> names;
  for (const Parameter* parameter : rnn.parameters()) names.push_back(parameter->name);
  EXPECT_THAT(names,
              testing::ElementsAre("lstm_cell/kernel",
                                   "lstm_cell/recurrent_kernel",
                                   "lstm_cell/bias",
                                   "lstm_cell_1/kernel",
                                   "lstm_cell_1/recurrent_kernel",
                                   "lstm_cell_1/bias"));
  const Tensor x = normal({batch, steps, features}, 1);
  EXPECT_EQ(rnn.forward(List{&x}, {}).size(), 5U);
}

}  // namespace
}  // namespace recurra::test
