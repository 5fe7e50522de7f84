/// Configs of layers that rearrange, join or look over sequences: Keras's arguments, there and back.
#include "recurra/layers/sequence_types.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/layers/model_spec.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

/// All that Keras 3 writes for each.
constexpr const char* written[][2] = {
    {"Dot", R"({"name": "a", "trainable": true, "axes": [2, 1], "normalize": true})"},
    {"RepeatVector", R"({"name": "a", "trainable": true, "n": 4})"},
    {"Reshape", R"({"name": "a", "trainable": true, "target_shape": [3, -1]})"},
    {"Permute", R"({"name": "a", "trainable": true, "dims": [2, 1]})"},
    {"LayerNormalization",
     R"({"name": "a", "trainable": true, "axis": -1, "epsilon": 0.25, "center": false, "scale": false,
         "beta_initializer": {"module": "keras.initializers", "class_name": "Zeros", "config": {},
                              "registered_name": null},
         "gamma_initializer": {"module": "keras.initializers", "class_name": "Ones", "config": {},
                               "registered_name": null},
         "beta_regularizer": null, "gamma_regularizer": null, "beta_constraint": null,
         "gamma_constraint": null})"},
    {"MaxPooling1D",
     R"({"name": "a", "trainable": true, "pool_size": [3], "strides": [2], "padding": "same",
         "data_format": "channels_last"})"},
    {"Conv1D",
     R"({"name": "a", "trainable": true, "filters": 2, "kernel_size": [3], "strides": [1],
         "padding": "causal", "data_format": "channels_last", "dilation_rate": [2], "groups": 1,
         "activation": "relu", "use_bias": false,
         "kernel_initializer": {"module": "keras.initializers", "class_name": "HeNormal", "config": {"seed": 4},
                                "registered_name": null},
         "bias_initializer": {"module": "keras.initializers", "class_name": "Ones", "config": {},
                              "registered_name": null},
         "kernel_regularizer": null, "bias_regularizer": null, "activity_regularizer": null,
         "kernel_constraint": null, "bias_constraint": null})"},
    {"Attention",
     R"({"name": "a", "trainable": true, "use_scale": true, "score_mode": "concat", "dropout": 0.25})"},
    {"Attention",
     R"({"name": "a", "trainable": true, "use_scale": false, "score_mode": "dot", "dropout": 0.0, "seed": 3,
         "use_causal_mask": true, "return_attention_scores": true})"},
    {"AdditiveAttention", R"({"name": "a", "trainable": true, "use_scale": false, "dropout": 0.0})"},
};

TEST(SequenceTypes, configs_come_back_as_they_were) {
  for (const auto& [type, config] : written) {
    const std::unique_ptr<Layer> layer = make_layer({type, config});
    EXPECT_STREQ(layer->type(), type);
    EXPECT_EQ(layer->config(), nlohmann::json::parse(config)) << type;
  }
  EXPECT_EQ(make_layer({"Dot", R"({"axes": 1})"})->config()["axes"], (std::vector{1, 1}));
  EXPECT_EQ(make_layer({"MaxPooling1D", R"({"pool_size": 3})"})->config()["strides"], (std::vector{3}));
  EXPECT_EQ(make_layer({"AdditiveAttention", "{}"})->config()["use_scale"], true);
  EXPECT_EQ(make_layer({"RepeatVector", R"({"n": 2})"})->name(), "repeat_vector");
}

TEST(SequenceTypes, bad_arguments_are_named) {
  const auto refusal = [](const char* type, const char* config) {
    return error_text(ErrorCode::format, [&] { static_cast<void>(make_layer({type, config})); });
  };
  EXPECT_EQ(refusal("Dot", "{}"), "Dot.axes: expected an integer or two, got null");
  EXPECT_EQ(refusal("Dot", R"({"axes": [1, 2, 3]})"), "Dot.axes: expected an integer or two, got [1,2,3]");
  EXPECT_EQ(refusal("Permute", R"({"dims": [1, "2"]})"),
            "Permute.dims: expected a list of integers, got [1,\"2\"]");
  EXPECT_EQ(refusal("Conv1D", R"({"filters": 2, "kernel_size": [2, 3]})"),
            "Conv1D.kernel_size: expected an integer, got [2,3]");
  EXPECT_EQ(refusal("Reshape", "{}"), "Reshape.target_shape: expected a list of integers, got null");
}

TEST(SequenceTypes, what_this_build_has_not_is_named) {
  const auto refusal = [](const char* type, const char* config) {
    return error_text(ErrorCode::unsupported, [&] { static_cast<void>(make_layer({type, config})); });
  };
  EXPECT_EQ(refusal("Conv1D", R"({"filters": 2, "kernel_size": 2, "padding": "full"})"),
            "padding \"full\": supported are valid, same, causal");
  EXPECT_EQ(refusal("Conv1D", R"({"filters": 2, "kernel_size": 2, "groups": 2})"),
            "Conv1D.groups \"2\": supported are 1");
  EXPECT_EQ(refusal("Attention", R"({"score_mode": "cosine"})"),
            "Attention.score_mode \"cosine\": supported are dot, concat");
}

}  // namespace

}  // namespace recurra::test
