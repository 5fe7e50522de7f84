#include "recurra/stack/rnn_stack.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "recurra/base/random.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensors.h"

namespace recurra::test {

namespace {

constexpr RecurrentOp ops[] = {
    RecurrentOp::lstm, RecurrentOp::gru, RecurrentOp::rnn_tanh, RecurrentOp::rnn_relu};
constexpr i64 batch = 3, steps = 5, features = 4, units = 5;

Tensor normal(const Shape& shape, std::uint64_t stream, float scale = 1) {
  Random random(12, stream);
  Tensor tensor(shape);
  for (float& value : tensor.as<float>()) value = scale * random.normal();
  return tensor;
}

bool equal(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::ranges::equal(a.as<float>(), b.as<float>());
}

/// One stack with all that a call may have.
struct Problem {
  explicit Problem(const RnnStackOptions& options)
      : options(options),
        layout({options.op, features, options.units, options.layers, options.bidirectional}),
        weights(normal(layout.matrix_shape(), 1, 0.4F)),
        x(normal({batch, steps, features}, 2)),
        initial_h(normal({layout.layers() * layout.directions(), batch, units}, 3, 0.5F)),
        initial_c(normal(initial_h.shape(), 4, 0.5F)) {
    inputs.lengths = lengths;
    inputs.initial_h = &initial_h;
    if (options.op == RecurrentOp::lstm) inputs.initial_c = &initial_c;
  }

  [[nodiscard]] RnnStackOutputs run() const { return optimized_rnn_stack(weights, x, options, inputs); }

  RnnStackOptions options;
  BlobLayout layout;
  Tensor weights, x, initial_h, initial_c;
  std::vector<int> lengths = {4, 5, 2};
  RnnStackInputs inputs;
};

RnnStackOptions options_of(RecurrentOp op, i64 layers, bool bidirectional) {
  return {.units = units, .layers = layers, .bidirectional = bidirectional, .op = op};
}

/// Calls visit(options) for all ops, one direction and both, one layer and three.
template <class Visit>
void for_each_stack(Visit visit) {
  for (const RecurrentOp op : ops) {
    for (const bool both : {false, true}) {
      for (const i64 layers : {1, 3}) {
        SCOPED_TRACE(std::string(name_of(op)) + (both ? " bi " : " ") + std::to_string(layers));
        visit(options_of(op, layers, both));
      }
    }
  }
}

double product(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (i64 i = 0; i < a.size(); ++i) sum += double(a.data()[i]) * b.data()[i];
  return sum;
}

/// The gradient at some elements of `value` against differences of `loss`, whose error of curvature cancels
/// between two steps.
void expect_slopes(Tensor& value, const Tensor& gradient, const std::function<double()>& loss) {
  ASSERT_EQ(gradient.shape(), value.shape());
  for (i64 i = 0; i < value.size(); i += std::max<i64>(value.size() / 23, 1)) {
    const float at = value.data()[i];
    const auto difference = [&](float step) {
      value.data()[i] = at + step;
      const double above = loss();
      value.data()[i] = at - step;
      const double below = loss();
      value.data()[i] = at;
      return (above - below) / (2.0 * double(step));
    };
    const double slope = (4 * difference(0.01F) - difference(0.02F)) / 3;
    EXPECT_NEAR(gradient.data()[i], slope, 2e-3 * std::max(1.0, std::abs(slope))) << i;
  }
}

TEST(RnnStack, has_the_gradients_of_all_its_inputs) {
  for_each_stack([&](const RnnStackOptions& options) {
    Problem p(options);
    if (options.op == RecurrentOp::rnn_relu) {
      // Kinks have no slope: all sums stay positive, and so small that differences keep their digits.
      for (float& value : p.weights.as<float>()) value = std::abs(value) * 0.2F;
      for (Tensor* tensor : {&p.x, &p.initial_h}) {
        for (float& value : tensor->as<float>()) value = std::abs(value) + 0.1F;
      }
    }
    p.inputs.training = true;
    p.inputs.layer_outputs = true;
    RnnStack stack(options, features);
    stack.set_weights(p.weights);
    const RnnStackOutputs& outputs = stack.forward(p.x, p.inputs);
    const Tensor dy = normal(outputs.y.shape(), 5);
    const Tensor d_h = normal(outputs.final_h.shape(), 6);
    const Tensor d_c = normal(outputs.final_c.shape(), 7);
    std::vector<Tensor> d_layers;
    for (const Tensor& layer : outputs.layers) d_layers.push_back(normal(layer.shape(), 8));
    const bool has_c = options.op == RecurrentOp::lstm;
    const RnnStackGradients gradients = stack.backward({&dy, &d_h, has_c ? &d_c : nullptr, &d_layers});
    const auto loss = [&] {
      const RnnStackOutputs y = p.run();
      double sum = product(dy, y.y) + product(d_h, y.final_h) + (has_c ? product(d_c, y.final_c) : 0);
      for (std::size_t i = 0; i < d_layers.size(); ++i) sum += product(d_layers[i], y.layers[i]);
      return sum;
    };
    expect_slopes(p.weights, gradients.weights, loss);
    expect_slopes(p.x, gradients.x, loss);
    expect_slopes(p.initial_h, gradients.initial_h, loss);
    if (has_c) {
      expect_slopes(p.initial_c, gradients.initial_c, loss);
    } else {
      EXPECT_EQ(gradients.initial_c.size(), 0);
    }
  });
}

TEST(RnnStack, processes_every_row_by_itself_to_its_own_length) {
  for_each_stack([&](const RnnStackOptions& options) {
    const Problem p(options);
    RnnStackInputs inputs{.lengths = p.lengths};
    const RnnStackOutputs all = optimized_rnn_stack(p.weights, p.x, options, inputs);
    const i64 width = p.layout.width();
    for (i64 row = 0; row < batch; ++row) {
      const i64 length = p.lengths[std::size_t(row)];
      Tensor x({1, length, features});
      std::copy_n(p.x.data() + row * steps * features, x.size(), x.data());
      const RnnStackOutputs one = optimized_rnn_stack(p.weights, x, options);
      const float* y = all.y.data() + row * steps * width;
      EXPECT_TRUE(std::equal(y, y + length * width, one.y.data()));
      EXPECT_EQ(std::count(y + length * width, y + steps * width, 0.0F), (steps - length) * width);
      for (i64 run = 0; run < all.final_h.shape()[0]; ++run) {
        const float* h = all.final_h.data() + (run * batch + row) * units;
        EXPECT_TRUE(std::equal(h, h + units, one.final_h.data() + run * units));
      }
    }
  });
}

TEST(RnnStack, goes_on_from_the_states_it_ended_with) {
  for (const RecurrentOp op : ops) {
    const RnnStackOptions options = options_of(op, 2, false);
    const Problem p(options);
    const RnnStackOutputs whole = optimized_rnn_stack(p.weights, p.x, options);
    constexpr i64 first = 2;
    Tensor parts[] = {Tensor({batch, first, features}), Tensor({batch, steps - first, features})};
    for (i64 row = 0; row < batch; ++row) {
      const float* from = p.x.data() + row * steps * features;
      std::copy_n(from, first * features, parts[0].data() + row * first * features);
      std::copy_n(from + first * features,
                  (steps - first) * features,
                  parts[1].data() + row * (steps - first) * features);
    }
    const RnnStackOutputs begin = optimized_rnn_stack(p.weights, parts[0], options);
    const RnnStackInputs inputs{.initial_h = &begin.final_h,
                                .initial_c = op == RecurrentOp::lstm ? &begin.final_c : nullptr};
    const RnnStackOutputs end = optimized_rnn_stack(p.weights, parts[1], options, inputs);
    EXPECT_TRUE(equal(end.final_h, whole.final_h));
    EXPECT_TRUE(equal(end.final_c, whole.final_c));
    for (i64 row = 0; row < batch; ++row) {
      const float* y = whole.y.data() + (row * steps + first) * units;
      EXPECT_TRUE(std::equal(y, y + (steps - first) * units, end.y.data() + row * (steps - first) * units));
    }
  }
}

TEST(RnnStack, gives_the_outputs_of_every_layer) {
  for_each_stack([&](const RnnStackOptions& options) {
    const Problem p(options);
    const RnnStackInputs inputs{.lengths = p.lengths, .layer_outputs = true};
    const RnnStackOutputs all = optimized_rnn_stack(p.weights, p.x, options, inputs);
    ASSERT_EQ(i64(all.layers.size()), options.layers);
    EXPECT_TRUE(equal(all.layers.back(), all.y));
    // The lowest layer is a stack of its own, whose blob is made of the first pieces of each kind.
    RnnStackOptions lowest = options;
    lowest.layers = 1;
    const BlobLayout layout({options.op, features, units, 1, options.bidirectional});
    const std::vector<Tensor> pieces = unpack_blob(p.layout, p.weights);
    std::vector<Tensor> first;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      if (p.layout.pieces()[i].layer == 0) first.push_back(pieces[i]);
    }
    const RnnStackOutputs one =
        optimized_rnn_stack(pack_blob(layout, first), p.x, lowest, {.lengths = p.lengths});
    EXPECT_TRUE(equal(all.layers[0], one.y));
  });
}

TEST(RnnStack, drops_out_what_stands_between_layers) {
  RnnStackOptions options = options_of(RecurrentOp::lstm, 3, true);
  options.dropout = 0.4;
  const Problem p(options);
  const RnnStackInputs drawn{.training = true, .dropout_seed = 5};
  const RnnStackOutputs y = optimized_rnn_stack(p.weights, p.x, options, drawn);
  ASSERT_EQ(y.dropout_factors.size(), 2U);
  int dropped = 0;
  for (const Tensor& factors : y.dropout_factors) {
    EXPECT_EQ(factors.shape(), (Shape{batch, 2 * units}));
    for (const float factor : factors.as<float>()) {
      EXPECT_TRUE(factor == 0 || factor == float(1 / 0.6));
      if (factor == 0) ++dropped;
    }
  }
  EXPECT_GT(dropped, 10);
  EXPECT_LT(dropped, 40);
  EXPECT_FALSE(equal(y.dropout_factors[0], y.dropout_factors[1]));
  // The same seed draws the same, another one others; what is given has the same effect.
  EXPECT_TRUE(equal(optimized_rnn_stack(p.weights, p.x, options, drawn).y, y.y));
  EXPECT_FALSE(
      equal(optimized_rnn_stack(p.weights, p.x, options, {.training = true, .dropout_seed = 6}).y, y.y));
  const RnnStackInputs given{.training = true, .dropout_factors = &y.dropout_factors};
  EXPECT_TRUE(equal(optimized_rnn_stack(p.weights, p.x, options, given).y, y.y));
  // Inference drops nothing out.
  RnnStackOptions without = options;
  without.dropout = 0;
  const RnnStackOutputs plain = optimized_rnn_stack(p.weights, p.x, options);
  EXPECT_TRUE(plain.dropout_factors.empty());
  EXPECT_TRUE(equal(plain.y, optimized_rnn_stack(p.weights, p.x, without).y));
}

TEST(RnnStack, has_the_gradients_behind_dropout) {
  RnnStackOptions options = options_of(RecurrentOp::gru, 3, true);
  options.dropout = 0.3;
  Problem p(options);
  RnnStack stack(options, features);
  stack.set_weights(p.weights);
  p.inputs.training = true;
  const RnnStackOutputs& outputs = stack.forward(p.x, p.inputs);
  const std::vector<Tensor> factors = outputs.dropout_factors;
  const Tensor dy = normal(outputs.y.shape(), 5);
  const RnnStackGradients gradients = stack.backward({.y = &dy});
  p.inputs.dropout_factors = &factors;
  const auto loss = [&] {
    return product(dy, p.run().y);
  };
  expect_slopes(p.weights, gradients.weights, loss);
  expect_slopes(p.x, gradients.x, loss);
}

TEST(RnnStack, keeps_its_packs_until_weights_are_set) {
  const Problem p(options_of(RecurrentOp::lstm, 2, true));
  RnnStack stack(p.options, features);
  stack.set_weights(p.weights, PackedWeights::Use::inference);
  const Tensor y = stack.forward(p.x).y;
  EXPECT_TRUE(equal(stack.forward(p.x).y, y));
  EXPECT_TRUE(equal(optimized_rnn_stack(p.weights, p.x, p.options).y, y));
  stack.set_weights(normal(p.weights.shape(), 9, 0.4F));
  EXPECT_FALSE(equal(stack.forward(p.x).y, y));
}

TEST(RnnStack, in_frame_mode_gives_the_same) {
  Problem p(options_of(RecurrentOp::lstm, 2, true));
  const RnnStackOutputs y = optimized_rnn_stack(p.weights, p.x, p.options);
  p.options.axis = 2;
  EXPECT_TRUE(equal(optimized_rnn_stack(p.weights, p.x, p.options).y, y.y));
}

TEST(RnnStack, takes_a_single_step_and_none) {
  for_each_stack([&](const RnnStackOptions& options) {
    const Problem p(options);
    EXPECT_EQ(optimized_rnn_stack(p.weights, normal({batch, 1, features}, 2), options).y.shape(),
              (Shape{batch, 1, p.layout.width()}));
    const RnnStackOutputs none =
        optimized_rnn_stack(p.weights, Tensor({batch, 0, features}), options, {.initial_h = &p.initial_h});
    EXPECT_EQ(none.y.shape(), (Shape{batch, 0, p.layout.width()}));
    EXPECT_TRUE(equal(none.final_h, p.initial_h));
  });
}

/// The text with which a changed call is refused.
std::string refused(ErrorCode code,
                    const std::function<void(Problem&)>& change,
                    RecurrentOp op = RecurrentOp::lstm) {
  Problem p(options_of(op, 2, true));
  change(p);
  return error_text(code, [&] { static_cast<void>(p.run()); });
}

TEST(RnnStack, refuses_inputs_that_do_not_fit) {
  const auto with_x = [](ErrorCode code, const Tensor& x) {
    return refused(code, [&](Problem& p) { p.x = x; });
  };
  EXPECT_EQ(with_x(ErrorCode::dtype, Tensor({batch, steps, features}, Dtype::i32)),
            "x: expected dense f32 features; a sparse input, of ids, has to go through an embedding before, "
            "got i32");
  EXPECT_EQ(with_x(ErrorCode::dtype, Tensor({batch, steps, features}, Dtype::u8)), "x: expected f32, got u8");
  EXPECT_EQ(with_x(ErrorCode::shape, Tensor({steps, features})),
            "x: expected a batch of sequences (batch, steps, features), got (5, 4)");
  EXPECT_EQ(
      with_x(ErrorCode::shape, Tensor({batch, steps, 3})),
      "weights: expected 1080 parameters = 2*4*5*(3 + 5 + 2) + 1*2*4*5*(2*5 + 5 + 2), a matrix (5, 216), "
      "got 1120, (5, 224)");
  RnnStack stack(options_of(RecurrentOp::lstm, 2, true), features);
  EXPECT_EQ(error_text(ErrorCode::shape,
                       [&] {
                         stack.forward(Tensor({batch, steps, 3}));
                       }),
            "x: expected a batch of sequences (batch, steps, 4), got (3, 5, 3)");
}

TEST(RnnStack, refuses_lengths_that_do_not_fit) {
  const std::vector<int> two = {1, 2};
  EXPECT_EQ(refused(ErrorCode::shape, [&](Problem& p) { p.inputs.lengths = two; }),
            "lengths: expected 3, one of each row, got 2");
  EXPECT_NE(refused(ErrorCode::invalid_argument, [&](Problem& p) { p.lengths[1] = 6; }), "no error");
  EXPECT_NE(refused(ErrorCode::invalid_argument, [&](Problem& p) { p.lengths[1] = -1; }), "no error");
  EXPECT_EQ(refused(ErrorCode::invalid_argument, [&](Problem& p) { p.options.axis = 2; }),
            "lengths: expected none with axis 2, where all samples have all steps, got 3");
}

TEST(RnnStack, refuses_states_and_factors_that_do_not_fit) {
  EXPECT_EQ(refused(ErrorCode::shape,
                    [](Problem& p) {
                      p.initial_h = Tensor({2, batch, units});
                    }),
            "initial_h: expected shape (4, 3, 5), got (2, 3, 5)");
  EXPECT_EQ(refused(ErrorCode::shape,
                    [](Problem& p) {
                      p.initial_c = Tensor({4, batch, 1});
                    }),
            "initial_c: expected shape (4, 3, 5), got (4, 3, 1)");
  EXPECT_EQ(refused(
                ErrorCode::invalid_argument,
                [](Problem& p) { p.inputs.initial_c = &p.initial_c; },
                RecurrentOp::gru),
            "initial_c: expected none for gru, which has no c, got a tensor");
  const std::vector<Tensor> none;
  const std::vector<Tensor> narrow(1, Tensor({batch, units}));
  EXPECT_EQ(refused(ErrorCode::invalid_argument, [&](Problem& p) { p.inputs.dropout_factors = &none; }),
            "dropout_factors: expected none without training, got factors");
  const auto factors = [](const std::vector<Tensor>& given) {
    return refused(ErrorCode::shape, [&](Problem& p) {
      p.inputs.training = true;
      p.inputs.dropout_factors = &given;
    });
  };
  EXPECT_EQ(factors(none), "dropout_factors: expected 1, one of every layer but the lowest, got 0");
  EXPECT_EQ(factors(narrow), "dropout_factors: expected shape (3, 10), got (3, 5)");
}

TEST(RnnStack, refuses_options_there_are_not) {
  const auto text = [](ErrorCode code, const RnnStackOptions& options) {
    return error_text(code, [&] { RnnStack stack(options, features); });
  };
  EXPECT_EQ(text(ErrorCode::unsupported, {.units = units, .axis = 1}), "axis \"1\": supported are -1, 2");
  EXPECT_EQ(text(ErrorCode::invalid_argument, {.units = units, .layers = 0}),
            "layers: expected 1 to 1048576, got 0");
  EXPECT_EQ(text(ErrorCode::invalid_argument, {}), "units: expected 1 to 1048576, got 0");
  EXPECT_EQ(text(ErrorCode::invalid_argument, {.units = units, .layers = 2, .dropout = 1}),
            "dropout: expected from 0 up to below 1, got 1");
  EXPECT_EQ(text(ErrorCode::invalid_argument, {.units = units, .dropout = 0.5}),
            "dropout: expected 0 for a single layer: it stands between layers, got 0.5");
}

TEST(RnnStack, refuses_a_way_back_without_a_way_forth) {
  const Problem p(options_of(RecurrentOp::lstm, 2, false));
  RnnStack stack(p.options, features);
  const auto back = [&](ErrorCode code, const RnnStackOutputGradients& gradients) {
    return error_text(code, [&] { static_cast<void>(stack.backward(gradients)); });
  };
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { stack.forward(p.x); }),
            "weights: expected weights that were packed before, got none");
  stack.set_weights(p.weights, PackedWeights::Use::inference);
  const std::string none = "backward: expected a training forward before, for each one, got none";
  EXPECT_EQ(back(ErrorCode::invalid_argument, {}), none);
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { stack.forward(p.x, {.training = true}); }),
            "weights: expected packs for training, got packs for inference");
  stack.set_weights(p.weights);
  stack.forward(p.x);
  EXPECT_EQ(back(ErrorCode::invalid_argument, {}), none);
  stack.forward(p.x, {.training = true});
  const Tensor narrow({batch, steps, 1});
  EXPECT_EQ(back(ErrorCode::shape, {.y = &narrow}), "gradient of y: expected shape (3, 5, 5), got (3, 5, 1)");
  const std::vector<Tensor> one(1, Tensor({batch, steps, units}));
  EXPECT_EQ(back(ErrorCode::shape, {.layers = &one}),
            "gradients of layers: expected 0, of the outputs of layers that forward gave, got 1");
  EXPECT_EQ(back(ErrorCode::shape, {}), "no error");
  EXPECT_EQ(back(ErrorCode::invalid_argument, {}), none);
}

}  // namespace

}  // namespace recurra::test
