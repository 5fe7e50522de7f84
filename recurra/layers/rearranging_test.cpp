/// Elements in other shapes and orders: values, gradients, refusals, configs.
#include "recurra/layers/rearranging.h"

#include <array>

#include <gtest/gtest.h>

#include "tests/support/layer_gradients.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

Tensor counted(const Shape& shape) {
  Tensor tensor(shape);
  float next = 0;
  for (float& value : tensor.as<float>()) value = next++;
  return tensor;
}

std::vector<float> values_of(const Tensor& tensor) {
  return {tensor.as<float>().begin(), tensor.as<float>().end()};
}

TEST(RepeatVector, makes_steps_of_a_vector) {
  Random random(1);
  RepeatVector layer(3);
  EXPECT_EQ(layer.build(Shape{2}, random), (Shape{3, 2}));
  const Tensor& y = layer.forward(counted({2, 2}), {});
  EXPECT_EQ(y.shape(), (Shape{2, 3, 2}));
  EXPECT_EQ(values_of(y), (std::vector<float>{0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3}));
  expect_gradients(layer, normal({2, 2}, 1), normal({2, 3, 2}, 2), {.training = true});
  EXPECT_EQ(error_text(ErrorCode::shape,
                       [&] {
                         layer.build(Shape{3, 2}, random);
                       }),
            "repeat_vector: expected input (batch, features), got (batch, ...) with (3, 2)");
  EXPECT_EQ(error_text(ErrorCode::shape,
                       [&] {
                         layer.forward(Tensor({2, 3, 4}), {});
                       }),
            "repeat_vector.input: expected (batch, features), got (2, 3, 4)");
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [] { RepeatVector(0); }), "n: expected from 1 up, got 0");
}

TEST(Reshape, keeps_the_order_of_elements) {
  Random random(1);
  Reshape layer({3, -1});
  EXPECT_EQ(layer.build({2, 6}, random), (Shape{3, 4}));
  EXPECT_EQ(layer.build({any_extent, 6}, random), (Shape{3, any_extent}));
  const Tensor& y = layer.forward(counted({2, 2, 6}), {});
  EXPECT_EQ(y.shape(), (Shape{2, 3, 4}));
  EXPECT_EQ(values_of(y), values_of(counted({2, 3, 4})));
  EXPECT_EQ(layer.forward(Tensor({0, 2, 6}), {}).shape(), (Shape{0, 3, 4}));
  expect_gradients(layer, normal({2, 2, 6}, 1), normal({2, 3, 4}, 2), {.training = true});
}

TEST(Reshape, refuses_what_does_not_fit) {
  Random random(1);
  Reshape layer({3, -1});
  EXPECT_EQ(error_text(ErrorCode::shape,
                       [&] {
                         layer.build({2, 5}, random);
                       }),
            "reshape.input: expected as many elements as (3, -1), got (batch, ...) with (2, 5)");
  Reshape whole({3, 4});
  EXPECT_EQ(error_text(ErrorCode::shape,
                       [&] {
                         whole.build({2, 5}, random);
                       }),
            "reshape.input: expected as many elements as (3, 4), got (batch, ...) with (2, 5)");
  EXPECT_EQ(error_text(ErrorCode::invalid_argument,
                       [] {
                         Reshape({-1, -1});
                       }),
            "target_shape: expected extents from 1 up, one of -1 at most, got (-1, -1)");
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [] { Reshape({0}); }),
            "target_shape: expected extents from 1 up, one of -1 at most, got (0,)");
}

TEST(Permute, changes_the_order_of_axes) {
  Random random(1);
  Permute layer({2, 1});
  EXPECT_EQ(layer.build({2, 3}, random), (Shape{3, 2}));
  const Tensor& y = layer.forward(counted({1, 2, 3}), {});
  EXPECT_EQ(y.shape(), (Shape{1, 3, 2}));
  EXPECT_EQ(values_of(y), (std::vector<float>{0, 3, 1, 4, 2, 5}));
  expect_gradients(layer, normal({2, 2, 3}, 1), normal({2, 3, 2}, 2), {.training = true});
  EXPECT_EQ(error_text(ErrorCode::shape, [&] { layer.build(Shape{3}, random); }),
            "permute: expected input of the axes (2, 1) behind the batch's, got (batch, ...) with (3,)");
  EXPECT_EQ(error_text(ErrorCode::shape,
                       [&] {
                         layer.forward(Tensor({2, 3}), {});
                       }),
            "permute.input: expected (batch, ...) with 2 axes more, got (2, 3)");
  EXPECT_EQ(error_text(ErrorCode::invalid_argument,
                       [] {
                         Permute({1, 1});
                       }),
            "dims: expected each axis from 1 to 2 once, got (1, 1)");
}

TEST(Rearranging, masks_end_as_in_keras) {
  const StepMask mask = StepMask::of_lengths(std::array{1}, 2);
  const Context context{.mask = &mask};
  EXPECT_EQ(Reshape({2, 3}).output_mask(context), nullptr);
  EXPECT_EQ(Permute({2, 1}).output_mask(context), nullptr);
  EXPECT_EQ(RepeatVector(2).output_mask(context), nullptr);
}

}  // namespace

}  // namespace recurra::test
