/// Pooling: values by hand, as Keras gives them, gradients, refusals.
#include "recurra/layers/max_pooling1d.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "tests/support/layer_gradients.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

std::vector<float> pooled(const MaxPooling1dOptions& options, const std::vector<float>& steps) {
  MaxPooling1d layer(options);
  Random random(1);
  const auto count = static_cast<i64>(steps.size());
  const Shape built = layer.build({count, 1}, random);
  Tensor x({1, count, 1});
  std::ranges::copy(steps, x.data());
  const Tensor& y = layer.forward(x, {});
  EXPECT_EQ(y.shape(), (Shape{1, built[0], 1}));
  return {y.as<float>().begin(), y.as<float>().end()};
}

TEST(MaxPooling1d, takes_the_largest_of_each_window) {
  using Values = std::vector<float>;
  const Values steps = {5, 1, -4, -2, 3};
  EXPECT_EQ(pooled({}, steps), (Values{5, -2}));
  EXPECT_EQ(pooled({.padding = Padding::same}, steps), (Values{5, -2, 3}));
  EXPECT_EQ(pooled({.pool_size = 3, .strides = 1}, steps), (Values{5, 1, 3}));
  EXPECT_EQ(pooled({.pool_size = 3, .strides = 1, .padding = Padding::same}, steps), (Values{5, 5, 1, 3, 3}));
  EXPECT_EQ(pooled({.pool_size = 2, .strides = 3}, steps), (Values{5, 3}));
  EXPECT_EQ(pooled({.pool_size = 1, .strides = 4, .padding = Padding::same}, steps), (Values{5, 3}));
}

TEST(MaxPooling1d, gives_nan_where_there_is_one) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(pooled({}, {1, nan})[0]));
  EXPECT_TRUE(std::isnan(pooled({}, {nan, 1})[0]));
}

TEST(MaxPooling1d, gradients_agree_with_differences) {
  for (const Padding padding : {Padding::valid, Padding::same}) {
    MaxPooling1d layer({.pool_size = 3, .strides = 2, .padding = padding});
    Random random(1);
    EXPECT_EQ(layer.build({any_extent, 2}, random), (Shape{any_extent, 2}));
    Tensor x({2, 6, 2});  // far enough from one another for the differences' steps
    for (i64 i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(i * 7 % 24);
    const i64 outputs = padding == Padding::valid ? 2 : 3;
    expect_gradients(layer, x, normal({2, outputs, 2}, 2), {.training = true});
  }
}

TEST(MaxPooling1d, of_equals_the_first_has_the_gradient) {
  MaxPooling1d layer;
  Random random(1);
  layer.build({2, 1}, random);
  const Context training{.training = true};
  const Tensor x({1, 2, 1});
  layer.forward(x, training);
  Tensor d({1, 1, 1});
  d.data()[0] = 3;
  const Tensor& dx = layer.backward(x, d, true, training);
  EXPECT_EQ(dx.data()[0], 3);
  EXPECT_EQ(dx.data()[1], 0);
  EXPECT_EQ(layer.backward(x, d, false, training).size(), 0);
}

TEST(MaxPooling1d, refuses_what_does_not_fit) {
  Random random(1);
  MaxPooling1d layer({.pool_size = 3});
  EXPECT_EQ(error_text(ErrorCode::shape,
                       [&] {
                         layer.build({2, 4}, random);
                       }),
            "max_pooling1d: expected 3 steps or more, got 2");
  EXPECT_EQ(error_text(ErrorCode::shape,
                       [&] {
                         layer.forward(Tensor({1, 2, 4}), {});
                       }),
            "max_pooling1d.input: expected 3 steps or more, got 2");
  EXPECT_EQ(error_text(ErrorCode::shape, [&] { layer.build(Shape{4}, random); }),
            "max_pooling1d: expected input (batch, steps, features), got (batch, ...) with (4,)");
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [] { MaxPooling1d({.strides = 0}); }),
            "strides: expected from 1 up, got 0");
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [] { MaxPooling1d({.padding = Padding::causal}); }),
            "padding: expected valid or same, got causal");
}

}  // namespace

}  // namespace recurra::test
