/// Layers from configs and texts: Keras's arguments, there and back.
#include "recurra/layers/layer_types.h"

#include <gtest/gtest.h>

#include "recurra/layers/model_spec.h"
#include "tests/support/layer_gradients.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

using Json = nlohmann::json;

/// All that Keras 3 writes for each, with values that are not the defaults where there are others here.
constexpr const char* written[][2] = {
    {"Dense",
     R"({"name": "d", "trainable": false, "units": 3, "activation": "tanh", "use_bias": false,
         "kernel_initializer": {"module": "keras.initializers", "class_name": "HeNormal", "config": {"seed": 4},
                                "registered_name": null},
         "bias_initializer": {"module": "keras.initializers", "class_name": "Ones", "config": {},
                              "registered_name": null},
         "kernel_regularizer": {"module": "keras.regularizers", "class_name": "L2", "config": {"l2": 0.5},
                                "registered_name": null},
         "bias_regularizer": null, "activity_regularizer": null,
         "kernel_constraint": {"module": "keras.constraints", "class_name": "UnitNorm", "config": {"axis": 0},
                               "registered_name": null},
         "bias_constraint": null})"},
    {"BatchNormalization",
     R"({"name": "b", "trainable": true, "axis": -1, "momentum": 0.5, "epsilon": 0.25, "center": false,
         "scale": false,
         "beta_initializer": {"module": "keras.initializers", "class_name": "Zeros", "config": {},
                              "registered_name": null},
         "gamma_initializer": {"module": "keras.initializers", "class_name": "Ones", "config": {},
                               "registered_name": null},
         "moving_mean_initializer": {"module": "keras.initializers", "class_name": "Ones", "config": {},
                                     "registered_name": null},
         "moving_variance_initializer": {"module": "keras.initializers", "class_name": "Ones", "config": {},
                                         "registered_name": null},
         "beta_regularizer": null, "gamma_regularizer": null, "beta_constraint": null, "gamma_constraint": null})"},
    {"Embedding",
     R"({"name": "e", "trainable": true, "input_dim": 7, "output_dim": 2, "mask_zero": true,
         "embeddings_initializer": {"module": "keras.initializers", "class_name": "RandomUniform",
                                    "config": {"seed": null, "minval": -0.5, "maxval": 0.5},
                                    "registered_name": null},
         "embeddings_regularizer": null, "activity_regularizer": null, "embeddings_constraint": null})"},
    {"Masking", R"({"name": "m", "trainable": true, "mask_value": -1.0})"},
    {"Dropout", R"({"name": "o", "trainable": true, "rate": 0.25, "seed": 3, "noise_shape": null})"},
    {"Activation", R"({"name": "a", "trainable": true, "activation": "softmax"})"},
    {"Flatten", R"({"name": "f", "trainable": true, "data_format": "channels_last"})"},
};

TEST(LayerTypes, configs_come_back_as_they_were) {
  for (const auto& [type, config] : written) {
    const std::unique_ptr<Layer> layer = make_layer({type, config});
    EXPECT_STREQ(layer->type(), type);
    EXPECT_EQ(layer->config(), Json::parse(config)) << type;
  }
}

TEST(LayerTypes, defaults_are_those_of_keras) {
  const Json dense = make_layer({"Dense", R"({"units": 2})"})->config();
  EXPECT_EQ(dense["name"], "dense");
  EXPECT_EQ(dense["activation"], "linear");
  EXPECT_EQ(dense["use_bias"], true);
  EXPECT_EQ(dense["kernel_initializer"]["class_name"], "GlorotUniform");
  EXPECT_EQ(dense["bias_initializer"]["class_name"], "Zeros");
  const Json norm = make_layer({"BatchNormalization", "{}"})->config();
  EXPECT_EQ(norm["name"], "batch_normalization");
  EXPECT_EQ(norm["momentum"], 0.99);
  EXPECT_EQ(norm["epsilon"], 1e-3);
  EXPECT_EQ(norm["gamma_initializer"]["class_name"], "Ones");
  const Json embedding = make_layer({"Embedding", R"({"input_dim": 2, "output_dim": 2})"})->config();
  EXPECT_EQ(embedding["embeddings_initializer"]["config"]["maxval"], 0.05);
  EXPECT_EQ(embedding["mask_zero"], false);
  EXPECT_EQ(make_layer({"LeakyReLU", "{}"})->config()["activation"]["config"]["negative_slope"], 0.3);
}

TEST(LayerTypes, what_keras_writes_without_meaning_here_is_passed_over) {
  EXPECT_EQ(error_text([] {
              make_layer({"Dense", R"({"units": 2, "quantization_config": null, "dtype": {"module": "keras",
                  "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": null,
                  "shared_object_id": 7}})"});
              make_layer({"BatchNormalization", R"({"axis": [-1], "synchronized": false, "renorm": false,
                  "renorm_clipping": null, "renorm_momentum": 0.99, "dtype": "float32"})"});
            }),
            "no error");
}

TEST(LayerTypes, bad_arguments_are_named) {
  const auto text = [](const char* type, const char* config) {
    return error_text([&] { make_layer({type, config}); });
  };
  EXPECT_EQ(text("Dense", R"({"units": 2, "bias": true})"),
            "Dense argument \"bias\": supported are name, trainable, dtype, units, activation, use_bias, "
            "kernel_initializer, kernel_regularizer, kernel_constraint, bias_initializer, bias_regularizer, "
            "bias_constraint, activity_regularizer");
  EXPECT_EQ(text("Dense", R"({"units": 2, "trainable": 1})"),
            "Dense.trainable: expected true or false, got 1");
  EXPECT_EQ(text("Dense", R"({"units": 2, "dtype": "float16"})"),
            "Dense.dtype \"float16\": supported are float32");
  EXPECT_EQ(text("Dense", R"({"units": 0})"), "units: expected 1 to 1048576, got 0");
  EXPECT_EQ(text("Dense", R"({"units": 2, "kernel_regularizer": "l3"})"),
            "Dense.kernel_regularizer \"l3\": supported are l1, l2, l1_l2, orthogonal_regularizer");
  EXPECT_EQ(text("Dense", "[]"), "Dense.config: expected a JSON object, got []");
  EXPECT_EQ(text("Dense", "{"), "Dense.config: expected a JSON object, got \"{\"");
  EXPECT_EQ(text("BatchNormalization", R"({"axis": [1, 2]})"),
            "BatchNormalization.axis: expected an integer, got [1,2]");
  EXPECT_EQ(text("Bidirectional", R"({"layer": {"class_name": "Bidirectional", "config": {}}})"),
            "Bidirectional.layer \"Bidirectional\": supported are LSTM, GRU, SimpleRNN");
  EXPECT_EQ(text("Dropout", "{}"), "Dropout.rate: expected 0 to 1, got nothing");
  EXPECT_EQ(text("Dropout", R"({"rate": 0.5, "noise_shape": [1, 2]})"),
            "Dropout.noise_shape \"[1,2]\": supported are null");
  EXPECT_EQ(text("Embedding", R"({"input_dim": 3})"), "output_dim: expected 1 to 16777216, got 0");
  EXPECT_EQ(text("Masking", R"({"mask_value": "0"})"), "Masking.mask_value: expected a number, got \"0\"");
}

TEST(LayerTypes, texts_name_all_of_them) {
  const ModelSpec spec = parse_model("embedding:1000x64,dropout:0.5,masking,activation:relu,flatten");
  ASSERT_EQ(spec.layers.size(), 5U);
  EXPECT_EQ(spec.layers[0].config, R"({"input_dim":1000,"output_dim":64})");
  EXPECT_EQ(spec.layers[1].config, R"({"rate":0.5})");
  EXPECT_EQ(spec.layers[3].config, R"({"activation":"relu"})");
  const auto text = [](const char* model) {
    return error_text([&] { parse_model(model); });
  };
  EXPECT_EQ(text("embedding:10"),
            "layer \"embedding:10\": expected number of ids and width behind a colon, as 1000x64, got 10");
  EXPECT_EQ(
      text("embedding:10x0"),
      "layer \"embedding:10x0\": expected number of ids and width behind a colon, as 1000x64, got 10x0");
  EXPECT_EQ(text("dropout:2"), "layer \"dropout:2\": expected a rate from 0 to 1 behind a colon, got 2");
  EXPECT_EQ(text("dropout:nan"),
            "layer \"dropout:nan\": expected a rate from 0 to 1 behind a colon, got nan");
  EXPECT_EQ(text("masking:1"), "layer \"masking:1\": expected nothing behind the name, got 1");
  EXPECT_EQ(text("activation:foo").substr(0, 45), "Activation.activation \"foo\": supported are li");
}

TEST(LayerTypes, an_input_layer_is_the_models_input) {
  const ModelSpec spec = parse_model_json(Json::parse(R"({"layers": [
      {"class_name": "InputLayer", "config": {"batch_shape": [null, null, 28], "dtype": "float32"}},
      {"class_name": "Flatten"}]})"));
  ASSERT_EQ(spec.layers.size(), 1U);
  EXPECT_EQ(spec.input, (Shape{any_extent, 28}));
  EXPECT_EQ(error_text([] {
              parse_model_json(Json::parse(
                  R"({"layers": [{"class_name": "InputLayer", "config": {"batch_shape": [null, 0]}}]})"));
            }),
            "InputLayer.batch_shape: expected positive extents or null, got [null,0]");
}

TEST(LayerTypes, dense_with_all_its_arguments_has_the_gradients_of_differences) {
  Random random(1);
  for (const char* config :
       {R"({"units": 4, "activation": "tanh", "kernel_regularizer": "l2", "bias_regularizer": "l2",
            "activity_regularizer": {"class_name": "L2", "config": {"l2": 0.3}}})",
        R"({"units": 4, "activation": "softmax"})",
        R"({"units": 4, "use_bias": false, "activation": "gelu"})"}) {
    const std::unique_ptr<Layer> layer = make_layer({"Dense", config});
    EXPECT_EQ(layer->build({3, 5}, random), (Shape{3, 4}));
    expect_gradients(*layer, normal({2, 3, 5}, 1), normal({2, 3, 4}, 2), {.training = true});
  }
}

TEST(LayerTypes, a_layer_within_that_is_not_trainable_stays_so) {
  Random random(1);
  for (const auto& [type, inner] :
       {std::pair{"Bidirectional", R"({"class_name": "LSTM", "config": {"units": 2, "trainable": false}})"},
        {"TimeDistributed", R"({"class_name": "Dense", "config": {"units": 2, "trainable": false}})"}}) {
    const auto layer = make_layer({type, std::string(R"({"layer": )").append(inner).append("}")});
    layer->build({4, 3}, random);
    EXPECT_TRUE(layer->trainable());
    for (const Parameter* parameter : layer->parameters()) EXPECT_FALSE(parameter->trainable) << type;
  }
}

TEST(LayerTypes, batch_normalization_takes_the_number_of_the_last_axis) {
  Random random(1);
  for (const char* config : {R"({"axis": 2})", R"({"axis": [2]})"}) {
    const auto layer = make_layer({"BatchNormalization", config});
    EXPECT_EQ(layer->config()["axis"], 2);
    EXPECT_EQ(layer->build({4, 3}, random), (Shape{4, 3}));
    EXPECT_EQ(error_text([&] { layer->build({3}, random); }),
              "batch_normalization.axis \"2\": supported are -1, 1");
  }
}

TEST(LayerTypes, batch_normalization_without_gamma_or_beta_lists_the_others) {
  Random random(1);
  const auto layer = make_layer({"BatchNormalization", R"({"scale": false})"});
  layer->build({3}, random);
  ASSERT_EQ(layer->parameters().size(), 3U);
  EXPECT_EQ(layer->parameters()[0]->name, "beta");
  expect_gradients(*layer, normal({6, 3}, 1), normal({6, 3}, 2), {.training = true});
}

TEST(LayerTypes, a_batch_normalization_that_is_not_trainable_uses_what_it_has_and_leaves_it) {
  Random random(1);
  const auto layer = make_layer({"BatchNormalization", R"({"trainable": false})"});
  layer->build({3}, random);
  expect_gradients(*layer, normal({6, 3}, 1), normal({6, 3}, 2), {.training = true});
  for (const Parameter* parameter : layer->parameters()) EXPECT_FALSE(parameter->trainable);
  EXPECT_EQ(layer->parameters()[2]->value.data()[0], 0.0F);
  EXPECT_EQ(layer->parameters()[3]->value.data()[0], 1.0F);
}

}  // namespace

}  // namespace recurra::test
