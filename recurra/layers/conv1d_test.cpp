/// Convolution over steps: against plain sums in double, gradients, refusals.
#include "recurra/layers/conv1d.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/support/layer_gradients.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

constexpr i64 features = 3;

/// A layer of each padding, stride and dilation.
std::vector<Conv1dOptions> every_layer() {
  std::vector<Conv1dOptions> all;
  for (const Padding padding : {Padding::valid, Padding::same, Padding::causal}) {
    for (const auto& [strides, dilation] : {std::pair<i64, i64>{1, 1}, {2, 1}, {3, 1}, {1, 2}}) {
      for (const i64 kernel_size : {1, 2, 3}) {
        all.push_back({.filters = 4,
                       .kernel_size = kernel_size,
                       .strides = strides,
                       .padding = padding,
                       .dilation_rate = dilation,
                       .bias = {.initializer = RandomNormal{0, 1}}});
      }
    }
  }
  return all;
}

/// Outputs over `steps` steps, and the step the first of them begins at, by Keras's rules.
std::pair<i64, i64> place_of(const Conv1dOptions& o, i64 steps) {
  const i64 extent = (o.kernel_size - 1) * o.dilation_rate + 1;
  if (o.padding == Padding::valid) return {(steps - extent + o.strides) / o.strides, 0};
  const i64 outputs = (steps + o.strides - 1) / o.strides;
  if (o.padding == Padding::causal) return {outputs, 1 - extent};
  return {outputs, -(std::max<i64>((outputs - 1) * o.strides + extent - steps, 0) / 2)};
}

TEST(Conv1d, agrees_with_sums_in_double) {
  for (const Conv1dOptions& o : every_layer()) {
    for (const i64 steps : {5, 6, 8}) {
      Random random(1);
      Conv1d layer(o);
      const auto [outputs, first] = place_of(o, steps);
      EXPECT_EQ(layer.build({steps, features}, random), (Shape{outputs, 4}));
      const Tensor x = normal({2, steps, features}, 1);
      const Tensor& y = layer.forward(x, {});
      ASSERT_EQ(y.shape(), (Shape{2, outputs, 4}));
      const float* kernel = layer.parameters()[0]->value.data();
      const float* bias = layer.parameters()[1]->value.data();
      for (i64 at = 0; at < y.size(); ++at) {
        const i64 filter = at % 4;
        const i64 output = at / 4 % outputs;
        double sum = bias[filter];
        for (i64 k = 0; k < o.kernel_size; ++k) {
          const i64 step = first + output * o.strides + k * o.dilation_rate;
          if (step < 0 || step >= steps) continue;
          const float* from = x.data() + (at / 4 / outputs * steps + step) * features;
          for (i64 f = 0; f < features; ++f) sum += double{from[f]} * kernel[(k * features + f) * 4 + filter];
        }
        ASSERT_NEAR(y.data()[at], sum, 2e-6 * std::max(1.0, std::abs(sum)));
      }
    }
  }
}

TEST(Conv1d, gradients_agree_with_differences) {
  for (Conv1dOptions o : every_layer()) {
    if (o.kernel_size < 3) continue;
    o.activation = Activation{ActivationKind::tanh};
    Random random(1);
    Conv1d layer(o);
    const Shape built = layer.build({6, features}, random);
    expect_gradients(layer, normal({2, 6, features}, 1), normal({2, built[0], 4}, 2), {.training = true});
  }
}

TEST(Conv1d, without_bias_has_a_kernel_alone) {
  Random random(1);
  Conv1d layer({.filters = 2, .kernel_size = 3, .use_bias = false});
  EXPECT_TRUE(layer.parameters().empty());
  EXPECT_EQ(layer.build({any_extent, features}, random), (Shape{any_extent, 2}));
  ASSERT_EQ(layer.parameters().size(), 1U);
  EXPECT_EQ(layer.parameters()[0]->value.shape(), (Shape{3, features, 2}));
  expect_gradients(layer, normal({2, 6, features}, 1), normal({2, 4, 2}, 2), {.training = true});
}

TEST(Conv1d, causal_outputs_see_no_later_step) {
  Random random(1);
  Conv1d layer({.filters = 2, .kernel_size = 3, .padding = Padding::causal});
  layer.build({6, features}, random);
  Tensor x = normal({1, 6, features}, 1);
  const Tensor before = layer.forward(x, {});
  for (i64 i = 3 * features; i < x.size(); ++i) x.data()[i] += 1;
  const Tensor& after = layer.forward(x, {});
  EXPECT_TRUE(std::equal(after.data(), after.data() + 6, before.data()));
  EXPECT_NE(after.data()[6], before.data()[6]);
}

TEST(Conv1d, refuses_what_does_not_fit) {
  Random random(1);
  Conv1d layer({.filters = 2, .kernel_size = 3});
  EXPECT_EQ(error_text(ErrorCode::shape,
                       [&] {
                         layer.build({2, features}, random);
                       }),
            "conv1d: expected 3 steps or more, got 2");
  layer.build({any_extent, features}, random);
  EXPECT_EQ(error_text(ErrorCode::shape,
                       [&] {
                         layer.forward(Tensor({1, 2, features}), {});
                       }),
            "conv1d.input: expected 3 steps or more, got 2");
  EXPECT_EQ(error_text(ErrorCode::shape,
                       [&] {
                         layer.forward(Tensor({1, 4, 2}), {});
                       }),
            "conv1d.input: expected (batch, steps, 3), got (1, 4, 2)");
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [] { Conv1d({.filters = 2}); }),
            "kernel_size: expected 1 to 1048576, got 0");
  EXPECT_EQ(error_text(ErrorCode::invalid_argument,
                       [] { Conv1d({.filters = 2, .kernel_size = 2, .strides = 2, .dilation_rate = 2}); }),
            "dilation_rate: expected 1 with strides above 1, got 2");
}

}  // namespace

}  // namespace recurra::test
