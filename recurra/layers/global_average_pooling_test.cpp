/// GlobalAveragePooling1D: values, masks, gradients.
#include "recurra/layers/global_average_pooling.h"

#include <cmath>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/layers/model_spec.h"
#include "tests/support/layer_gradients.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

Tensor counting(const Shape& shape) {
  Tensor x(shape);
  for (i64 i = 0; i < x.size(); ++i) x.data()[i] = float(i);
  return x;
}

TEST(GlobalAveragePoolingLayer, is_the_mean_of_the_steps) {
  GlobalAveragePooling1d layer;
  Random random(1);
  EXPECT_EQ(layer.build({any_extent, 2}, random), (Shape{2}));
  const Tensor& y = layer.forward(counting({2, 3, 2}), {});
  EXPECT_EQ(y.shape(), (Shape{2, 2}));
  EXPECT_TRUE(std::equal(y.data(), y.data() + 4, std::vector{2.0F, 3.0F, 8.0F, 9.0F}.begin()));
}

TEST(GlobalAveragePoolingLayer, steps_that_do_not_count_are_left_out_and_a_row_without_any_is_nan) {
  GlobalAveragePooling1d layer;
  const StepMask mask = StepMask::of_bytes(3, 3, {1, 0, 1, 0, 1, 0, 0, 0, 0});
  Tensor x = counting({3, 3, 1});
  x.data()[1] = NAN;
  const Context context{.mask = &mask};
  const Tensor& y = layer.forward(x, context);
  EXPECT_EQ(y.data()[0], 1.0F);
  EXPECT_EQ(y.data()[1], 4.0F);
  EXPECT_TRUE(std::isnan(y.data()[2]));
  EXPECT_EQ(layer.output_mask(context), nullptr);
}

TEST(GlobalAveragePoolingLayer, gradients_agree_with_differences) {
  GlobalAveragePooling1d layer;
  const StepMask mask = StepMask::of_bytes(2, 3, {1, 0, 1, 1, 1, 1});
  expect_gradients(layer, normal({2, 3, 4}, 1), normal({2, 4}, 2), {.training = true, .mask = &mask});
  expect_gradients(layer, normal({2, 3, 4}, 1), normal({2, 4}, 2), {.training = true});
  EXPECT_EQ(layer.backward(normal({2, 3, 4}, 1), normal({2, 4}, 2), false, {.training = true}).size(), 0);
}

TEST(GlobalAveragePoolingLayer, has_keras_arguments) {
  const auto layer = make_layer(parse_model("average_pooling").layers[0]);
  EXPECT_EQ(layer->config(), nlohmann::json::parse(R"({"name": "global_average_pooling1d", "trainable": true,
                                      "data_format": "channels_last", "keepdims": false})"));
  EXPECT_EQ(error_text([] {
              make_layer({"GlobalAveragePooling1D", R"({"keepdims": true})"});
            }),
            "GlobalAveragePooling1D.keepdims \"true\": supported are false");
  EXPECT_EQ(error_text([] {
              make_layer({"GlobalAveragePooling1D", R"({"data_format": "channels_first"})"});
            }),
            "GlobalAveragePooling1D.data_format \"channels_first\": supported are channels_last");
}

TEST(GlobalAveragePoolingLayer, wrong_shapes_are_named) {
  GlobalAveragePooling1d layer;
  Random random(1);
  EXPECT_EQ(error_text([&] { layer.build({3}, random); }),
            "global_average_pooling1d: expected input (batch, steps, features), got (batch, ...) with (3,)");
  EXPECT_EQ(error_text([&] {
              layer.forward(Tensor({3, 2}), {});
            }),
            "global_average_pooling1d.input: expected (batch, steps, features), got (3, 2)");
}

}  // namespace

}  // namespace recurra::test
