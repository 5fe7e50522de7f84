/// Dot: values by hand, gradients, refusals.
#include "recurra/layers/dot.h"

#include <array>

#include <gtest/gtest.h>

#include "tests/support/list_gradients.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

Tensor of(const Shape& shape, const std::vector<float>& values) {
  Tensor tensor(shape);
  std::ranges::copy(values, tensor.data());
  return tensor;
}

/// Builds the layer for inputs of these shapes and runs it.
std::vector<float> run(Layer& layer, const Tensor& a, const Tensor& b) {
  const std::array shapes = {shape_without_batch(a), shape_without_batch(b)};
  Random random(1);
  const Shape built = layer.build(shapes, random).at(0);
  const std::array inputs = {&a, &b};
  const Tensor& y = *layer.forward(inputs, {})[0];
  EXPECT_EQ(shape_without_batch(y), built);
  return {y.as<float>().begin(), y.as<float>().end()};
}

TEST(Dot, sums_products_over_an_axis_of_each) {
  const Tensor a = of({1, 2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor b = of({1, 2, 3}, {1, 0, 1, 0, 2, 0});
  Dot features;
  EXPECT_EQ(run(features, a, b), (std::vector<float>{4, 4, 10, 10}));
  Dot steps({.axes = {1, 1}});
  EXPECT_EQ(run(steps, a, b), (std::vector<float>{1, 8, 1, 2, 10, 2, 3, 12, 3}));
  EXPECT_EQ(run(features, of({2, 2}, {1, 2, 3, 4}), of({2, 2}, {5, 6, 7, 8})), (std::vector<float>{17, 53}));
  Dot mixed({.axes = {2, 1}});
  EXPECT_EQ(run(mixed, a, of({1, 3}, {1, 10, 100})), (std::vector<float>{321, 654}));
  const StepMask mask = StepMask::of_lengths(std::array{1}, 2);
  EXPECT_EQ(features.output_mask({.mask = &mask}), nullptr);
}

TEST(Dot, of_normalized_vectors_is_the_cosine) {
  Dot layer({.normalize = true});
  const std::vector<float> y = run(layer, of({3, 2}, {3, 4, 1, 1, 0, 0}), of({3, 2}, {4, 3, -2, -2, 1, 1}));
  EXPECT_NEAR(y[0], 0.96, 1e-6);
  EXPECT_NEAR(y[1], -1, 1e-6);
  EXPECT_EQ(y[2], 0);
}

TEST(Dot, gradients_agree_with_differences) {
  for (const bool normalize : {false, true}) {
    Dot layer({.axes = {1, 2}, .normalize = normalize});
    expect_list_gradients(layer, {normal({2, 5, 3}, 1), normal({2, 4, 5}, 2)}, {});
  }
  Dot rows;
  expect_list_gradients(rows, {normal({3, 4}, 1), normal({3, 4}, 2)}, {});
}

TEST(Dot, refuses_what_does_not_fit) {
  EXPECT_EQ(error_text(ErrorCode::invalid_argument,
                       [] {
                         Dot({.axes = {0, 1}});
                       }),
            "axes: expected axes behind the batch's, got 0");
  Random random(1);
  Dot layer({.axes = {2, 1}});
  const std::array unequal = {Shape{3, 4}, Shape{3, 4}};
  EXPECT_EQ(error_text(ErrorCode::shape, [&] { layer.build(unequal, random); }),
            "dot.inputs[1]: expected extent 4 of axis 1, got (-1, 3, 4)");
  const std::array missing = {Shape{4}, Shape{4}};
  EXPECT_EQ(error_text(ErrorCode::shape, [&] { layer.build(missing, random); }),
            "dot.inputs[0]: expected an axis 2 behind the batch's, got (-1, 4)");
  const std::array varying = {Shape{any_extent, any_extent}, Shape{3, any_extent}};
  EXPECT_EQ(layer.build(varying, random), (std::vector<Shape>{{any_extent, any_extent}}));
  const Tensor a({2, 3, 4});
  const Tensor b({3, 4, 1});
  const std::array rows = {&a, &b};
  EXPECT_EQ(error_text(ErrorCode::shape, [&] { layer.forward(rows, {}); }),
            "dot.inputs[1]: expected (batch, ...), as many rows as the first, got (3, 4, 1)");
}

}  // namespace

}  // namespace recurra::test
