/// Layers that make one tensor of several: values, gradients, masks and errors.
#include "recurra/layers/merge.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/layers/model_spec.h"
#include "tests/support/layer_gradients.h"
#include "tests/support/list_gradients.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensors.h"

namespace recurra::test {

namespace {

std::vector<float> values_of(const Tensor& tensor) {
  return {tensor.as<float>().begin(), tensor.as<float>().end()};
}

Tensor merged(Layer& layer, const std::vector<Tensor>& inputs) {
  std::vector<Shape> shapes;
  std::vector<const Tensor*> list;
  for (const Tensor& input : inputs) {
    shapes.push_back(shape_without_batch(input));
    list.push_back(&input);
  }
  Random random(1);
  layer.build(shapes, random);
  return *layer.forward(list, Context{})[0];
}

TEST(Merge, is_computed_element_by_element) {
  const std::vector<Tensor> inputs = {floats({1, 3}, {1, -2, 3}), floats({1, 3}, {4, 5, -6})};
  const auto result = [&](MergeKind kind) {
    Merge layer(kind);
    return values_of(merged(layer, inputs));
  };
  EXPECT_EQ(result(MergeKind::add), (std::vector<float>{5, 3, -3}));
  EXPECT_EQ(result(MergeKind::subtract), (std::vector<float>{-3, -7, 9}));
  EXPECT_EQ(result(MergeKind::multiply), (std::vector<float>{4, -10, -18}));
  EXPECT_EQ(result(MergeKind::average), (std::vector<float>{2.5F, 1.5F, -1.5F}));
  EXPECT_EQ(result(MergeKind::maximum), (std::vector<float>{4, 5, 3}));
  EXPECT_EQ(result(MergeKind::minimum), (std::vector<float>{1, -2, -6}));
}

TEST(Merge, repeats_what_has_one_place_and_lower_ranks_over_steps) {
  Merge layer(MergeKind::add);
  const Tensor sum = merged(layer, {floats({1, 2, 2}, {1, 2, 3, 4}), floats({1, 2}, {10, 20})});
  EXPECT_EQ(values_of(sum), (std::vector<float>{11, 22, 13, 24}));
}

TEST(Merge, gradients_agree_with_differences) {
  for (const MergeKind kind : {MergeKind::add,
                               MergeKind::subtract,
                               MergeKind::multiply,
                               MergeKind::average,
                               MergeKind::maximum,
                               MergeKind::minimum}) {
    Merge layer(kind);
    SCOPED_TRACE(layer.type());
    expect_list_gradients(layer, {normal({2, 3, 4}, 1), normal({2, 1, 4}, 2)}, {});
  }
}

TEST(Concatenate, gradients_agree_with_differences) {
  for (const i64 axis : {-1, 1}) {
    Concatenate layer(axis);
    expect_list_gradients(layer, {normal({2, 3, 4}, 1), normal({2, 3, 4}, 2), normal({2, 3, 4}, 3)}, {});
  }
}

TEST(Concatenate, puts_one_input_behind_the_other) {
  Concatenate last;
  const Tensor wide = merged(last, {floats({2, 1}, {1, 2}), floats({2, 2}, {3, 4, 5, 6})});
  EXPECT_EQ(values_of(wide), (std::vector<float>{1, 3, 4, 2, 5, 6}));
  Concatenate steps(1);
  const Tensor longer = merged(steps, {floats({1, 1, 2}, {1, 2}), floats({1, 2, 2}, {3, 4, 5, 6})});
  EXPECT_EQ(longer.shape(), (Shape{1, 3, 2}));
}

/// Bytes of the output's mask for inputs of one row, three steps, two features.
std::vector<int> joined(Layer& layer, const StepMask* first, const StepMask* second) {
  const Tensor x({1, 3, 2});
  const std::vector<const Tensor*> inputs = {&x, &x};
  const std::vector<const StepMask*> masks = {first, second};
  Context context;
  context.mask = first;
  context.masks = masks;
  Random random(1);
  layer.build(std::vector<Shape>{{3, 2}, {3, 2}}, random);
  layer.forward(inputs, context);
  const StepMask* mask = layer.output_mask(context);
  if (mask == nullptr) return {};
  std::vector<int> bytes;
  for (i64 i = 0; i < mask->steps(); ++i) bytes.push_back(mask->counts(0, i) ? 1 : 0);
  return bytes;
}

TEST(Merge, counts_steps_that_count_in_any_input_where_all_have_a_mask) {
  const StepMask a = StepMask::of_bytes(1, 3, {1, 0, 0});
  const StepMask b = StepMask::of_bytes(1, 3, {0, 0, 1});
  Merge add(MergeKind::add);
  EXPECT_EQ(joined(add, &a, &b), (std::vector<int>{1, 0, 1}));
  EXPECT_EQ(joined(add, &a, nullptr), (std::vector<int>{}));
  EXPECT_EQ(joined(add, nullptr, nullptr), (std::vector<int>{}));
}

TEST(Concatenate, joins_masks_along_its_axis) {
  const StepMask a = StepMask::of_bytes(1, 3, {1, 0, 0});
  const StepMask b = StepMask::of_bytes(1, 3, {0, 0, 1});
  Concatenate features;
  EXPECT_EQ(joined(features, &a, &b), (std::vector<int>{1, 0, 1}));
  EXPECT_EQ(joined(features, nullptr, &b), (std::vector<int>{1, 1, 1}));
  EXPECT_EQ(joined(features, nullptr, nullptr), (std::vector<int>{}));
  Concatenate steps(1);
  EXPECT_EQ(joined(steps, &a, &b), (std::vector<int>{1, 0, 0, 0, 0, 1}));
  EXPECT_EQ(joined(steps, &a, nullptr), (std::vector<int>{1, 0, 0, 1, 1, 1}));
}

TEST(Merge, refuses_what_does_not_go_together) {
  Random random(1);
  const std::vector<Shape> bad = {{3, 2}, {4, 2}};
  Merge add(MergeKind::add, "sum");
  EXPECT_EQ(error_text(ErrorCode::shape, [&] { add.build(bad, random); }),
            "sum.inputs: expected extents that are the same or 1, got (3, 2) and (4, 2)");
  Merge subtract(MergeKind::subtract);
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { subtract.build(Shape{3}, random); }),
            "subtract.inputs: expected 2, got 1");
  Concatenate join;
  EXPECT_EQ(error_text(ErrorCode::shape, [&] { join.build(bad, random); }),
            "concatenate.inputs: expected the same extents but along the axis -1, got (3, 2) and (4, 2)");
  Concatenate batch(0);
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { batch.build(bad, random); }),
            "concatenate.axis: expected 1 to 2, or from the end, got 0");
}

TEST(Merge, comes_back_from_its_config) {
  for (const char* type : {"Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"}) {
    const std::unique_ptr<Layer> layer = make_layer({type, "{}"});
    EXPECT_STREQ(layer->type(), type);
    const std::unique_ptr<Layer> copy = make_layer({type, layer->config().dump()});
    EXPECT_EQ(copy->config(), layer->config());
  }
  EXPECT_EQ(make_layer({"Concatenate", R"({"axis": 1})"})->config().at("axis"), 1);
}

}  // namespace

}  // namespace recurra::test
