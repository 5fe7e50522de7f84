/// Layers of differentiable functions, on the example of one a user may write.
#include "recurra/layers/function_layer.h"

#include <array>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/autograd/functions.h"
#include "tests/support/list_gradients.h"

namespace recurra::test {

namespace {

using autograd::Variable;

/// (x, s) -> (sigmoid(x W + s), s): a gate, and a second output that no weight reaches.
class Gate final : public FunctionLayer {
 public:
  Gate() : FunctionLayer("gate") {}

  [[nodiscard]] const char* type() const noexcept override { return "Gate"; }

  [[nodiscard]] nlohmann::json config() const override { return base_config(); }

 private:
  std::vector<Shape> build_function(std::span<const Shape> inputs, Random& random) override {
    require_inputs(inputs.size(), 2, 2);
    const i64 width = inputs[1].back();
    add_weight("kernel", {inputs[0].back(), width}, {.initializer = glorot_uniform_initializer}, random);
    add_weight("spare", {2}, {}, random);
    return {inputs[1], inputs[1]};
  }

  std::vector<Variable> apply(std::span<const Variable> inputs,
                              std::span<const Variable> weights,
                              const Context& /*context*/) override {
    return {autograd::sigmoid(autograd::matmul(inputs[0], weights[0]) + inputs[1]),
            autograd::square(inputs[1])};
  }
};

class FunctionLayers : public ::testing::Test {
 protected:
  void build() {
    Random random(1);
    const std::array shapes = {Shape{3}, Shape{4}};
    EXPECT_EQ(layer_.build(shapes, random), (std::vector<Shape>{{4}, {4}}));
  }

  [[nodiscard]] std::array<const Tensor*, 2> inputs() const { return {&x_[0], &x_[1]}; }

  Gate layer_;
  const std::vector<Tensor> x_ = {normal({5, 3}, 1), normal({5, 4}, 2)};
  const std::vector<Tensor> d_ = {normal({5, 4}, 3), normal({5, 4}, 4)};
  const Context training_{.training = true};
};

TEST_F(FunctionLayers, have_gradients_of_inputs_and_weights) {
  expect_list_gradients(layer_, x_, {});
}

TEST_F(FunctionLayers, give_0_to_what_no_gradient_reaches) {
  build();
  const std::array inputs = {&x_[0], &x_[1]};
  layer_.forward(inputs, training_);
  const std::array<const Tensor*, 2> second = {nullptr, &d_[1]};
  const TensorList dx = layer_.backward(inputs, second, std::array<std::uint8_t, 2>{1, 1}, training_);
  EXPECT_TRUE(std::ranges::all_of(dx[0]->as<float>(), [](float d) { return d == 0; }));
  for (i64 i = 0; i < x_[1].size(); ++i)
    EXPECT_FLOAT_EQ(dx[1]->data()[i], 2 * x_[1].data()[i] * d_[1].data()[i]);
  for (const Parameter* weight : layer_.parameters())
    EXPECT_TRUE(std::ranges::all_of(weight->gradient.as<float>(), [](float d) { return d == 0; }));
}

TEST_F(FunctionLayers, go_back_twice_with_the_same_numbers) {
  build();
  layer_.forward(inputs(), training_);
  const std::array<std::uint8_t, 2> both = {1, 1};
  const Tensor first = *layer_.backward(inputs(), std::array{&d_[0], &d_[1]}, both, training_)[0];
  const Tensor kernel = layer_.parameters()[0]->gradient;
  const Tensor second = *layer_.backward(inputs(), std::array{&d_[0], &d_[1]}, both, training_)[0];
  EXPECT_TRUE(std::ranges::equal(first.as<float>(), second.as<float>()));
  EXPECT_TRUE(std::ranges::equal(kernel.as<float>(), layer_.parameters()[0]->gradient.as<float>()));
}

TEST_F(FunctionLayers, that_do_not_learn_still_pass_gradients_on) {
  layer_.set_trainable(false);
  expect_list_gradients(layer_, x_, {});
  EXPECT_EQ(layer_.parameters()[0]->gradient.size(), 0);
}

TEST_F(FunctionLayers, give_the_same_in_training_and_inference_on_any_threads) {
  build();
  const Tensor y = *layer_.forward(inputs(), {})[0];
  for (const int threads : {1, 2}) {
    const Tensor& other = *layer_.forward(inputs(), {.training = true, .execution = {.threads = threads}})[0];
    EXPECT_TRUE(std::ranges::equal(y.as<float>(), other.as<float>()));
  }
}

}  // namespace

}  // namespace recurra::test
