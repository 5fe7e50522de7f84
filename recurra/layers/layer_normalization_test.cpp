/// Layer normalization: against plain arithmetic in double, gradients, refusals.
#include "recurra/layers/layer_normalization.h"

#include <cmath>

#include <gtest/gtest.h>

#include "tests/support/layer_gradients.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

TEST(LayerNormalization, normalizes_each_row_of_the_last_axis) {
  Random random(1);
  LayerNormalization layer;
  EXPECT_EQ(layer.build({any_extent, 5}, random), (Shape{any_extent, 5}));
  ASSERT_EQ(layer.parameters().size(), 2U);
  Parameter& gamma = *layer.parameters()[0];
  Parameter& beta = *layer.parameters()[1];
  EXPECT_EQ(gamma.name, "gamma");
  EXPECT_EQ(beta.name, "beta");
  gamma.value = normal({5}, 1);
  beta.value = normal({5}, 2);
  Tensor x = normal({2, 3, 5}, 3);
  for (float& value : x.as<float>()) value += 1000;  // the mean must not cost the digits of the variance
  const Tensor& y = layer.forward(x, {});
  for (i64 row = 0; row < 6; ++row) {
    const float* from = x.data() + row * 5;
    double mean = 0;
    double variance = 0;
    for (int j = 0; j < 5; ++j) mean += from[j] / 5.0;
    for (int j = 0; j < 5; ++j) variance += (from[j] - mean) * (from[j] - mean) / 5.0;
    for (int j = 0; j < 5; ++j) {
      const double expected =
          gamma.value.data()[j] * (from[j] - mean) / std::sqrt(variance + 1e-3) + beta.value.data()[j];
      EXPECT_NEAR(y.data()[row * 5 + j], expected, 1e-5);
    }
  }
}

TEST(LayerNormalization, gradients_agree_with_differences) {
  const WeightOptions drawn{.initializer = RandomNormal{0.5, 1}};
  for (const bool center : {true, false}) {
    for (const bool scale : {true, false}) {
      Random random(1);
      LayerNormalization layer({.center = center, .scale = scale, .beta = drawn, .gamma = drawn});
      layer.build({3, 5}, random);
      EXPECT_EQ(layer.parameters().size(), std::size_t{center} + std::size_t{scale});
      expect_gradients(layer, normal({2, 3, 5}, 1), normal({2, 3, 5}, 2), {.training = true});
    }
  }
}

TEST(LayerNormalization, that_does_not_learn_passes_gradients_on) {
  Random random(1);
  LayerNormalization layer;
  layer.set_trainable(false);
  layer.build({5}, random);
  expect_gradients(layer, normal({3, 5}, 1), normal({3, 5}, 2), {.training = true});
}

TEST(LayerNormalization, passes_masks_on) {
  const StepMask mask = StepMask::of_lengths(std::vector{1, 2}, 3);
  EXPECT_EQ(LayerNormalization().output_mask({.mask = &mask}), &mask);
}

TEST(LayerNormalization, refuses_what_does_not_fit) {
  Random random(1);
  LayerNormalization first({.axis = 1});
  EXPECT_EQ(error_text(ErrorCode::unsupported,
                       [&] {
                         first.build({3, 5}, random);
                       }),
            "layer_normalization.axis \"1\": supported are -1, 2");
  LayerNormalization layer;
  layer.build({3, 5}, random);
  EXPECT_EQ(error_text(ErrorCode::shape,
                       [&] {
                         layer.forward(Tensor({2, 3, 4}), {});
                       }),
            "layer_normalization.input: expected (batch, ..., 5), got (2, 3, 4)");
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [] { LayerNormalization({.epsilon = 0}); }),
            "epsilon: expected a number above 0, got 0");
}

}  // namespace

}  // namespace recurra::test
