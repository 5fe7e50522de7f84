/// Activations as values and as a layer: numbers, gradients, Keras's names and objects.
#include "recurra/layers/activation_function.h"

#include <cmath>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/layers/activation_layer.h"
#include "tests/support/layer_gradients.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

using Json = nlohmann::json;

ActivationFunction from(const char* json) {
  return make_activation(Json::parse(json));
}

TEST(ActivationFunctions, softmax_is_over_the_last_axis_and_survives_any_size) {
  Tensor x({2, 3}), y;
  std::ranges::copy(std::vector{0.0F, 1.0F, 2.0F, 1e30F, -1e30F, 1e30F}, x.data());
  ActivationFunction::softmax().forward(x, y);
  const double sum = 1 + std::exp(1) + std::exp(2);
  for (int j = 0; j < 3; ++j) EXPECT_NEAR(y.data()[j], std::exp(j) / sum, 1e-7);
  EXPECT_EQ(y.data()[3], 0.5F);
  EXPECT_EQ(y.data()[4], 0.0F);
  ActivationFunction::log_softmax().forward(x, y);
  for (int j = 0; j < 3; ++j) EXPECT_NEAR(y.data()[j], j - std::log(sum), 1e-6);
}

TEST(ActivationFunctions, gradients_agree_with_differences) {
  Random random(1);
  for (const char* name : {"softmax", "log_softmax", "tanh", "sigmoid", "silu", "gelu", "mish", "softplus"}) {
    SCOPED_TRACE(name);
    ActivationLayer layer(make_activation(name));
    EXPECT_EQ(layer.build({4, 5}, random), (Shape{4, 5}));
    expect_gradients(layer, normal({2, 4, 5}, 1), normal({2, 4, 5}, 2), {.training = true});
  }
}

TEST(ActivationFunctions, keras_objects_are_read) {
  EXPECT_TRUE(make_activation(nullptr).is_linear());
  EXPECT_EQ(from(R"("relu")").pointwise().kind, ActivationKind::relu);
  EXPECT_EQ(
      from(R"({"class_name": "LeakyReLU", "config": {"name": "l", "trainable": true, "dtype": "float32"}})"),
      (Activation{ActivationKind::leaky_relu, 0.3F}));
  EXPECT_EQ(from(R"({"class_name": "LeakyReLU", "config": {"alpha": 0.1}})"),
            (Activation{ActivationKind::leaky_relu, 0.1F}));
  EXPECT_EQ(from(R"({"class_name": "ELU", "config": {"alpha": 0.5}})"),
            (Activation{ActivationKind::elu, 0.5F}));
  EXPECT_EQ(
      from(R"({"class_name": "ReLU", "config": {"max_value": 4, "negative_slope": 0.0, "threshold": 0.0}})"),
      (Activation{ActivationKind::clipped_relu, 4}));
  EXPECT_EQ(from(R"({"class_name": "ReLU", "config": {"max_value": null, "threshold": 2}})"),
            (Activation{ActivationKind::thresholded_relu, 2}));
  EXPECT_EQ(from(R"({"class_name": "Softmax", "config": {"axis": -1}})"), ActivationFunction::softmax());
  EXPECT_EQ(from(R"({"class_name": "function", "config": "tanh", "registered_name": "tanh"})"),
            (Activation{ActivationKind::tanh}));
}

TEST(ActivationFunctions, configs_are_names_where_keras_has_one_and_come_back) {
  EXPECT_EQ(config_of(ActivationFunction()), "linear");
  EXPECT_EQ(config_of(make_activation("swish")), "silu");
  EXPECT_EQ(config_of(make_activation("relu6")), "relu6");
  for (const char* json : {R"("softmax")",
                           R"("hard_sigmoid")",
                           R"({"class_name": "LeakyReLU", "config": {"negative_slope": 0.5}})",
                           R"({"class_name": "ELU", "config": {"alpha": 0.5}})",
                           R"({"class_name": "ReLU", "config": {"max_value": 4}})",
                           R"({"class_name": "ReLU", "config": {"threshold": 1}})",
                           R"({"class_name": "hard_sigmoid", "config": {"alpha": 0.25, "beta": 0.5}})"})
    EXPECT_EQ(make_activation(config_of(from(json))), from(json)) << json;
}

TEST(ActivationFunctions, bad_arguments_are_named) {
  const auto text = [](const char* json) {
    return error_text([&] { make_activation(Json::parse(json), "Dense.activation"); });
  };
  EXPECT_EQ(
      text(R"("swoosh")"),
      "Dense.activation \"swoosh\": supported are linear, affine, tanh, scaled_tanh, sigmoid, hard_sigmoid, "
      "relu, clipped_relu, leaky_relu, thresholded_relu, elu, selu, softplus, softsign, exponential, "
      "log_sigmoid, silu, hard_silu, mish, gelu, relu6, swish, hard_swish, softmax, log_softmax");
  EXPECT_EQ(text(R"({"class_name": "Softmax", "config": {"axis": 1}})"),
            "Dense.activation Softmax.axis \"1\": supported are -1");
  EXPECT_EQ(
      text(R"({"class_name": "ReLU", "config": {"max_value": 4, "threshold": 1}})"),
      "Dense.activation ReLU \"more than one of them\": supported are one of max_value, negative_slope and "
      "threshold");
  EXPECT_EQ(text(R"({"class_name": "LeakyReLU", "config": {"negative_slope": -1}})"),
            "activation leaky_relu: expected alpha from 0 up, got -1");
  EXPECT_EQ(error_text([] {
              ActivationFunction(Activation{ActivationKind::elu, NAN});
            }),
            "activation elu: expected a finite alpha, got nan");
}

}  // namespace

}  // namespace recurra::test
