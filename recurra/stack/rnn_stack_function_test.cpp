#include "recurra/stack/rnn_stack_function.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "recurra/base/random.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

using autograd::Variable;

constexpr i64 batch = 3, steps = 5, features = 4, units = 5;

Tensor normal(const Shape& shape, std::uint64_t stream, float scale = 1) {
  Random random(13, stream);
  Tensor tensor(shape);
  for (float& value : tensor.as<float>()) value = scale * random.normal();
  return tensor;
}

bool equal(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::ranges::equal(a.as<float>(), b.as<float>());
}

RnnStackOptions options_of(RecurrentOp op) {
  return {.units = units, .layers = 2, .bidirectional = true, .op = op, .dropout = 0.3};
}

Tensor weights_of(RecurrentOp op) {
  return normal(BlobLayout({op, features, units, 2, true}).matrix_shape(), 1, 0.4F);
}

TEST(RnnStackFunction, has_the_outputs_and_gradients_of_the_call_on_tensors) {
  for (const RecurrentOp op : {RecurrentOp::lstm, RecurrentOp::gru}) {
    const bool has_c = op == RecurrentOp::lstm;
    const Variable weights(weights_of(op), true);
    const Variable x(normal({batch, steps, features}, 2), true);
    const Variable h(normal({4, batch, units}, 3), true);
    const Variable c(normal({4, batch, units}, 4), true);
    const std::vector<int> lengths = {4, 5, 2};
    const RnnStackVariables y = optimized_rnn_stack(weights,
                                                    x,
                                                    options_of(op),
                                                    {.lengths = lengths,
                                                     .initial_h = &h,
                                                     .initial_c = has_c ? &c : nullptr,
                                                     .training = true,
                                                     .dropout_seed = 7,
                                                     .layer_outputs = true});
    RnnStack stack(options_of(op), features);
    stack.set_weights(weights.value());
    const RnnStackOutputs& expected = stack.forward(x.value(),
                                                    {.lengths = lengths,
                                                     .initial_h = &h.value(),
                                                     .initial_c = has_c ? &c.value() : nullptr,
                                                     .training = true,
                                                     .dropout_seed = 7,
                                                     .layer_outputs = true});
    EXPECT_TRUE(equal(y.y.value(), expected.y));
    EXPECT_TRUE(equal(y.final_h.value(), expected.final_h));
    EXPECT_TRUE(equal(y.layers.at(0).value(), expected.layers[0]));
    EXPECT_TRUE(equal(y.dropout_factors.at(0), expected.dropout_factors[0]));
    EXPECT_EQ(y.final_c.empty(), !has_c);

    const Tensor dy = normal(expected.y.shape(), 5);
    const Tensor d_h = normal(expected.final_h.shape(), 6);
    const std::vector<Tensor> d_layers = {normal(expected.y.shape(), 8), Tensor()};
    const RnnStackGradients gradients = stack.backward({.y = &dy, .final_h = &d_h, .layers = &d_layers});
    const std::vector<Variable> outputs = {y.y, y.final_h, y.layers[0]};
    backward(outputs, std::vector<Tensor>{dy, d_h, d_layers[0]});
    EXPECT_TRUE(equal(weights.gradient(), gradients.weights));
    EXPECT_TRUE(equal(x.gradient(), gradients.x));
    EXPECT_TRUE(equal(h.gradient(), gradients.initial_h));
    EXPECT_TRUE(!has_c || equal(c.gradient(), gradients.initial_c));
  }
}

TEST(RnnStackFunction, gives_gradients_to_those_alone_that_want_one) {
  const Variable weights(weights_of(RecurrentOp::lstm), true);
  const Variable x(normal({batch, steps, features}, 2));
  const RnnStackVariables y = optimized_rnn_stack(weights, x, options_of(RecurrentOp::lstm));
  backward(std::vector<Variable>{y.final_c}, std::vector<Tensor>{normal(y.final_c.shape(), 3)});
  EXPECT_TRUE(weights.has_gradient());
  EXPECT_FALSE(x.has_gradient());
}

TEST(RnnStackFunction, without_a_gradient_is_inference) {
  const Variable weights(weights_of(RecurrentOp::gru));
  const Variable x(normal({batch, steps, features}, 2));
  const RnnStackVariables y = optimized_rnn_stack(weights, x, options_of(RecurrentOp::gru));
  EXPECT_FALSE(y.y.requires_grad());
  EXPECT_TRUE(
      equal(y.y.value(), optimized_rnn_stack(weights.value(), x.value(), options_of(RecurrentOp::gru)).y));
}

TEST(RnnStackFunction, drops_nothing_out_but_in_training) {
  const Variable weights(weights_of(RecurrentOp::lstm), true);
  const Variable x(normal({batch, steps, features}, 2));
  const RnnStackVariables y = optimized_rnn_stack(weights, x, options_of(RecurrentOp::lstm));
  EXPECT_TRUE(y.dropout_factors.empty());
  EXPECT_TRUE(
      equal(y.y.value(), optimized_rnn_stack(weights.value(), x.value(), options_of(RecurrentOp::lstm)).y));
}

TEST(RnnStackFunction, is_refused_as_on_tensors) {
  const Variable weights(weights_of(RecurrentOp::lstm), true);
  const auto text = [&](const Tensor& x, const RnnStackVariableInputs& inputs = {}) {
    return error_text([&] {
      static_cast<void>(optimized_rnn_stack(weights, Variable(x), options_of(RecurrentOp::lstm), inputs));
    });
  };
  EXPECT_EQ(text(Tensor({steps, features})),
            "x: expected a batch of sequences (batch, steps, features), got (5, 4)");
  EXPECT_EQ(text(Tensor({batch, steps, features}, Dtype::i64)),
            "x: expected dense f32 features; a sparse input, of ids, has to go through an embedding before, "
            "got i64");
  const std::vector<Tensor> factors(1, Tensor({batch, 2 * units}));
  EXPECT_EQ(text(Tensor({batch, steps, features}), {.dropout_factors = &factors}),
            "dropout_factors: expected none without training, got factors");
}

}  // namespace

}  // namespace recurra::test
