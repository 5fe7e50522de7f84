/// Masking and Flatten: values, masks, gradients.
#include "recurra/layers/masking.h"

#include <cmath>

#include <gtest/gtest.h>

#include "recurra/layers/flatten.h"
#include "tests/support/layer_gradients.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

TEST(MaskingLayer, steps_of_the_mask_value_do_not_count_and_become_zero) {
  Masking layer(-1);
  Tensor x({1, 4, 2});
  std::ranges::copy(std::vector<float>{-1, -1, -1, 0, 0, 0, NAN, -1}, x.data());
  const Tensor& y = layer.forward(x, {});
  const StepMask* mask = layer.output_mask({});
  EXPECT_TRUE(std::equal(mask->data(), mask->data() + 4, std::vector{0, 1, 1, 1}.begin()));
  EXPECT_EQ(y.data()[0], 0.0F);
  EXPECT_EQ(y.data()[1], 0.0F);
  EXPECT_EQ(y.data()[2], -1.0F);
  const StepMask before = StepMask::of_lengths(std::vector{2}, 4);
  layer.forward(x, {.mask = &before});
  EXPECT_TRUE(std::equal(mask->data(), mask->data() + 4, std::vector{0, 1, 0, 0}.begin()));
}

TEST(MaskingLayer, gradients_of_steps_that_count_go_through) {
  Masking layer;
  Random random(1);
  EXPECT_EQ(layer.build({3, 2}, random), (Shape{3, 2}));
  Tensor x = normal({1, 3, 2}, 1);
  x.data()[2] = x.data()[3] = 0;
  const Tensor dy = normal({1, 3, 2}, 2);
  layer.forward(x, {.training = true});
  const Tensor& dx = layer.backward(x, dy, true, {.training = true});
  for (int i = 0; i < 6; ++i) EXPECT_EQ(dx.data()[i], i / 2 == 1 ? 0.0F : dy.data()[i]);
}

TEST(MaskingLayer, bad_arguments_are_named) {
  Masking layer;
  Random random(1);
  EXPECT_EQ(error_text([&] { layer.build({3}, random); }),
            "masking: expected input (batch, steps, features), got (batch, ...) with (3,)");
  EXPECT_EQ(error_text([&] {
              layer.forward(Tensor({3, 2}), {});
            }),
            "masking.input: expected (batch, steps, features), got (3, 2)");
  EXPECT_EQ(error_text([] { Masking layer(INFINITY); }), "mask_value: expected a finite number, got inf");
}

TEST(FlattenLayer, makes_one_axis_and_drops_the_mask) {
  Flatten layer;
  Random random(1);
  EXPECT_EQ(layer.build({3, 4}, random), (Shape{12}));
  expect_gradients(layer, normal({2, 3, 4}, 1), normal({2, 12}, 2), {.training = true});
  EXPECT_EQ(layer.forward(Tensor({2, 3, 4}), {}).shape(), (Shape{2, 12}));
  const StepMask mask = StepMask::of_lengths(std::vector{1, 2}, 3);
  EXPECT_EQ(layer.output_mask({.mask = &mask}), nullptr);
  EXPECT_EQ(error_text([&] {
              layer.build({any_extent, 4}, random);
            }),
            "flatten: expected input with extents known before training, got (batch, ...) with (-1, 4)");
}

}  // namespace

}  // namespace recurra::test
