/// What recurrent layers and Embedding do with the options of their weights and outputs: initial values,
/// costs, and where weights stay in training.
#include <algorithm>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/layers/model_spec.h"
#include "recurra/training/sequential.h"
#include "tests/support/layer_gradients.h"

namespace recurra::test {

namespace {

using Json = nlohmann::json;

constexpr i64 batch = 6, steps = 4, features = 3, units = 5;

struct Weight {
  const char* type;
  const char* prefix;  // of its options
  const char* name;
};

constexpr Weight weights[] = {
    {"LSTM", "kernel", "kernel"},
    {"LSTM", "recurrent", "recurrent_kernel"},
    {"LSTM", "bias", "bias"},
    {"GRU", "kernel", "kernel"},
    {"GRU", "recurrent", "recurrent_kernel"},
    {"GRU", "bias", "bias"},
    {"SimpleRNN", "kernel", "kernel"},
    {"SimpleRNN", "recurrent", "recurrent_kernel"},
    {"SimpleRNN", "bias", "bias"},
};

/// The layer with one option of a weight; an LSTM without the ones of its own in the bias.
ModelSpec spec_of(const Weight& weight, const char* option, const Json& value) {
  Json config = {{"units", units}};
  if (std::string(weight.type) == "LSTM") config["unit_forget_bias"] = false;
  if (option != nullptr) config[std::string(weight.prefix).append("_").append(option)] = value;
  ModelSpec spec;
  spec.layers.push_back({weight.type, config.dump()});
  return spec;
}

std::unique_ptr<Layer> built(const Weight& weight, const char* option, const Json& value) {
  std::unique_ptr<Layer> layer = make_layer(spec_of(weight, option, value).layers[0]);
  Random random(1);
  layer->build({steps, features}, random);
  return layer;
}

const Parameter& parameter_of(const std::vector<Parameter*>& all, const std::string& name) {
  return **std::ranges::find(all, name, &Parameter::name);
}

TEST(RecurrentWeights, start_as_their_initializer_says) {
  const Json initializer = {{"class_name", "Constant"}, {"config", {{"value", 0.25}}}};
  for (const Weight& weight : weights) {
    SCOPED_TRACE(std::string(weight.type) + " " + weight.prefix);
    const auto layer = built(weight, "initializer", initializer);
    for (const Parameter* parameter : layer->parameters()) {
      const bool constant =
          std::ranges::all_of(parameter->value.as<float>(), [](float value) { return value == 0.25F; });
      EXPECT_EQ(constant, parameter->name == weight.name) << parameter->name;
    }
  }
}

TEST(RecurrentWeights, without_unit_forget_bias_an_lstms_bias_starts_at_zero) {
  const auto layer = built(weights[2], nullptr, {});
  for (const float value : parameter_of(layer->parameters(), "bias").value.as<float>())
    EXPECT_EQ(value, 0.0F);
}

TEST(RecurrentWeights, cost_what_their_regularizer_says) {
  const Json regularizer = {{"class_name", "L2"}, {"config", {{"l2", 0.5}}}};
  for (const Weight& weight : weights) {
    SCOPED_TRACE(std::string(weight.type) + " " + weight.prefix);
    const auto layer = built(weight, "regularizer", regularizer);
    double squares = 0;
    std::uint64_t stream = 1;
    for (Parameter* parameter : layer->parameters()) {
      parameter->value = normal(parameter->value.shape(), stream++);
      for (const float value : parameter->value.as<float>())
        squares += parameter->name == weight.name ? double(value) * value : 0.0;
    }
    EXPECT_NEAR(layer->penalty(), 0.5 * squares, 1e-5 * squares);
    expect_gradients(
        *layer, normal({batch, steps, features}, 7), normal({batch, units}, 8), {.training = true});
  }
}

/// One update of a model that learns x -> y.
Sequential updated(const ModelSpec& spec, const Tensor& x, const Tensor& y) {
  Sequential model(spec);
  model.compile(make_optimizer("sgd", 0.5), make_loss("mean_squared_error"));
  model.train_on_batch(x, y);
  return model;
}

bool has_negative(const Parameter& parameter) {
  return std::ranges::any_of(parameter.value.as<float>(), [](float value) { return value < 0; });
}

TEST(RecurrentWeights, stay_in_training_where_their_constraint_says) {
  const Tensor x = normal({batch, steps, features}, 1);
  const Tensor y = normal({batch, units}, 2);
  for (const Weight& weight : weights) {
    SCOPED_TRACE(std::string(weight.type) + " " + weight.prefix);
    const Sequential model = updated(spec_of(weight, "constraint", "non_neg"), x, y);
    for (const Parameter* parameter : model.parameters())
      EXPECT_EQ(has_negative(*parameter), parameter->name != weight.name) << parameter->name;
  }
}

TEST(EmbeddingWeights, stay_in_training_where_their_constraint_says) {
  Tensor ids({batch, steps});
  for (i64 i = 0; i < ids.size(); ++i) ids.data()[i] = float(i % 7);
  const Tensor y = normal({batch, units}, 2);
  for (const bool constrained : {false, true}) {
    Json config = {{"input_dim", 7}, {"output_dim", 3}};
    if (constrained) config["embeddings_constraint"] = "non_neg";
    ModelSpec spec = spec_of(weights[0], nullptr, {});
    spec.layers.insert(spec.layers.begin(), {"Embedding", config.dump()});
    const Sequential model = updated(spec, ids, y);
    EXPECT_EQ(has_negative(parameter_of(model.parameters(), "embeddings")), !constrained);
  }
}

TEST(RecurrentOutputs, cost_what_the_activity_regularizer_says) {
  const Json regularizer = {{"class_name", "L2"}, {"config", {{"l2", 0.5}}}};
  for (const char* type : {"LSTM", "GRU", "SimpleRNN"}) {
    for (const bool sequences : {false, true}) {
      SCOPED_TRACE(std::string(type) + (sequences ? ", sequences" : ""));
      const Json config = {
          {"units", units}, {"activity_regularizer", regularizer}, {"return_sequences", sequences}};
      const auto layer = make_layer({type, config.dump()});
      Random random(1);
      layer->build({steps, features}, random);
      const Tensor x = normal({batch, steps, features}, 1);
      const Tensor y = layer->forward(x, {});
      double squares = 0;
      for (const float value : y.as<float>()) squares += double(value) * value;
      EXPECT_NEAR(layer->penalty(), 0.5 * squares / batch, 1e-5 * squares);
      expect_gradients(*layer, x, normal(y.shape(), 2), {.training = true});
    }
  }
}

}  // namespace

}  // namespace recurra::test
