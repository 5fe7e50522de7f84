/// TimeDistributed: values, gradients, what it takes.
#include "recurra/layers/time_distributed.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/layers/dense.h"
#include "recurra/layers/lstm.h"
#include "recurra/layers/model_spec.h"
#include "tests/support/layer_gradients.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

TEST(TimeDistributedLayer, is_its_layer_on_each_step) {
  TimeDistributed layer(std::make_unique<Lstm>(LstmOptions{{.units = 4}}));
  Random random(1);
  EXPECT_EQ(layer.build({any_extent, 5, 3}, random), (Shape{any_extent, 4}));
  ASSERT_EQ(layer.parameters().size(), 3U);
  EXPECT_EQ(layer.parameters()[0]->name, "layer/kernel");
  Lstm alone({{.units = 4}});
  alone.build({5, 3}, random);
  for (std::size_t i = 0; i < 3; ++i) alone.parameters()[i]->value = layer.parameters()[i]->value;
  Tensor x = normal({2, 6, 5, 3}, 1);
  const StepMask mask = StepMask::of_lengths(std::vector{2, 3}, 6);
  const Context context{.mask = &mask};
  const Tensor& y = layer.forward(x, context);
  EXPECT_EQ(y.shape(), (Shape{2, 6, 4}));
  EXPECT_EQ(layer.output_mask(context), &mask);
  x.reshape({12, 5, 3});
  EXPECT_TRUE(std::ranges::equal(alone.forward(x, {}).as<float>(), y.as<float>()));
}

TEST(TimeDistributedLayer, gradients_agree_with_differences) {
  TimeDistributed layer(std::make_unique<Dense>(DenseOptions{.units = 4}));
  Random random(1);
  layer.build({5, 3}, random);
  expect_gradients(layer, normal({2, 5, 3}, 1), normal({2, 5, 4}, 2), {.training = true});
  EXPECT_EQ(layer.backward(normal({2, 5, 3}, 1), normal({2, 5, 4}, 2), false, {.training = true}).size(), 0);
}

TEST(TimeDistributedLayer, config_comes_back_with_its_layer) {
  const auto layer = make_layer({"TimeDistributed",
                                 R"({"trainable": false, "layer": {"module": "keras.layers",
                                     "class_name": "Dense", "config": {"name": "head", "units": 2},
                                     "registered_name": null, "build_config": {"input_shape": [null, 5]}}})"});
  const nlohmann::json config = layer->config();
  EXPECT_EQ(config["name"], "time_distributed");
  EXPECT_EQ(config["layer"]["class_name"], "Dense");
  EXPECT_EQ(config["layer"]["config"]["name"], "head");
  EXPECT_EQ(make_layer({"TimeDistributed", config.dump()})->config(), config);
  Random random(1);
  layer->build({5, 3}, random);
  EXPECT_FALSE(layer->parameters()[0]->trainable);
}

TEST(TimeDistributedLayer, bad_layers_and_shapes_are_named) {
  const auto text = [](const char* inner) {
    return error_text([&] {
      make_layer({"TimeDistributed", std::string(R"({"layer": )").append(inner).append("}")});
    });
  };
  EXPECT_EQ(text("null"),
            "TimeDistributed.layer: expected a name or an object with a string \"class_name\", got null");
  EXPECT_EQ(
      text(R"({"class_name": "TimeDistributed", "config": {}})"),
      "TimeDistributed.layer \"TimeDistributed\": supported are Dense, Activation, Dropout, Flatten, LSTM, "
      "GRU, SimpleRNN");
  EXPECT_EQ(text(R"({"class_name": "Dense", "config": {"units": 2, "activity_regularizer": "l2"}})"),
            "TimeDistributed.layer \"dense with one\": supported are layers without activity_regularizer");
  EXPECT_EQ(text(R"({"class_name": "LSTM", "config": {"units": 2, "stateful": true}})"),
            "TimeDistributed.layer \"lstm that is\": supported are layers that are not stateful");
  TimeDistributed layer(std::make_unique<Dense>(DenseOptions{.units = 4}));
  Random random(1);
  EXPECT_EQ(error_text([&] { layer.build({3}, random); }),
            "time_distributed: expected input (batch, steps, ...), got (batch, ...) with (3,)");
  layer.build({5, 3}, random);
  EXPECT_EQ(error_text([&] {
              layer.forward(Tensor({2, 3}), {});
            }),
            "time_distributed.input: expected (batch, steps, ...), got (2, 3)");
}

}  // namespace

}  // namespace recurra::test
