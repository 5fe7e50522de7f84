/// Layers are Keras's: the numbers its own tests hold, from tests/data/keras/*.json.
#include <algorithm>
#include <cmath>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/layers/model_spec.h"

namespace recurra::test {

namespace {

using Json = nlohmann::json;

constexpr const char* files[] = {"bidirectional", "gru", "lstm", "masking", "simple_rnn", "time_distributed"};

Shape shape_of(const Json& json) {
  return Shape(json.get<std::vector<i64>>());
}

/// All numbers of nested lists, in order.
void flatten(const Json& json, std::vector<double>& values) {
  if (!json.is_array()) return values.push_back(json.get<double>());
  for (const Json& part : json) flatten(part, values);
}

/// Extents of nested lists.
Shape nested_shape(const Json& json) {
  std::vector<i64> extents;
  for (const Json* part = &json; part->is_array(); part = &part->front())
    extents.push_back(static_cast<i64>(part->size()));
  return Shape(extents);
}

/// The tensor a rule makes: full of one value, 0 1 2 … over `div`, or the values given.
Tensor make_input(const Json& json) {
  Tensor tensor(shape_of(json.at("shape")));
  const auto rule = json.at("rule").get<std::string>();
  std::vector<double> values;
  if (rule == "values") flatten(json.at("data"), values);
  for (i64 i = 0; i < tensor.size(); ++i) {
    if (rule == "full") values.push_back(json.at("value").get<double>());
    if (rule == "arange") values.push_back(double(i) / json.at("div").get<double>());
  }
  if (values.size() != static_cast<std::size_t>(tensor.size()))
    throw std::runtime_error("input rule " + rule);
  std::ranges::transform(values, tensor.data(), [](double value) { return float(value); });
  return tensor;
}

StepMask make_mask(const Json& json) {
  std::vector<double> values;
  flatten(json, values);
  const Shape shape = nested_shape(json);
  return StepMask::of_bytes(shape[0], shape[1], {values.begin(), values.end()});
}

/// The layer of a case, whose wrapped layer nests in it in the same words.
std::unique_ptr<Layer> make_case_layer(const Json& json) {
  Json config = json.at("args");
  if (config.contains("layer"))
    config["layer"] = {{"class_name", config["layer"].at("layer")}, {"config", config["layer"].at("args")}};
  return make_layer({json.at("layer"), config.dump()});
}

/// Constants by the weights' names; the forget gate's part of a bias, the second of four, has one of its own.
void fill_weights(Layer& layer, const Json& constants) {
  for (Parameter* parameter : layer.parameters()) {
    const std::string name = parameter->name.substr(parameter->name.rfind('/') + 1);
    std::ranges::fill(parameter->value.as<float>(), constants.at(name).get<float>());
    if (name != "bias" || !constants.contains("forget_bias")) continue;
    const i64 units = parameter->value.size() / 4;
    std::fill_n(parameter->value.data() + units, units, constants.at("forget_bias").get<float>());
  }
  layer.parameters_changed();
}

/// What the last of the steps gives: the outputs, or which of its steps count as 1 and 0.
std::vector<Tensor> run_steps(Layer& layer, const Json& steps) {
  std::vector<Tensor> results;
  for (const Json& step : steps) {
    std::vector<Tensor> inputs = {make_input(step.at("input"))};
    for (const Json& state : step.value("initial_state", Json::array())) inputs.push_back(make_input(state));
    std::vector<const Tensor*> list;
    for (const Tensor& input : inputs) list.push_back(&input);
    StepMask mask;
    Context context;
    if (step.contains("mask")) {
      mask = make_mask(step.at("mask"));
      context.mask = &mask;
    }
    results.clear();
    for (const Tensor* output : layer.forward(list, context)) results.push_back(*output);
    if (step.at("op") == "call") continue;
    if (step.at("op") != "compute_mask") throw std::runtime_error("step " + step.at("op").dump());
    const StepMask* counted = layer.output_mask(context);
    results.assign(1, Tensor({counted->batch(), counted->steps()}));
    std::copy_n(counted->data(), results[0].size(), results[0].data());
  }
  return results;
}

/// The part of the results that a path names: which of several, then row numbers.
std::span<const float> part_of(const std::vector<Tensor>& results, const Json& path) {
  std::size_t first = 0;
  if (results.size() > 1) first = path.at(0).get<std::size_t>();
  const Tensor& result = results.at(first);
  std::span<const float> part = result.as<float>();
  int axis = 0;
  for (std::size_t i = results.size() > 1 ? 1 : 0; i < path.size(); ++i) {
    if (path[i] == "mask") continue;
    const std::size_t size = part.size() / static_cast<std::size_t>(result.shape()[axis++]);
    part = part.subspan(path[i].get<std::size_t>() * size, size);
  }
  return part;
}

void run_case(const Json& json) {
  SCOPED_TRACE(json.at("name").get<std::string>());
  const std::unique_ptr<Layer> layer = make_case_layer(json);
  const Shape input = shape_of(json.at("steps").at(0).at("input").at("shape"));
  Random random(1);
  const Shape example({input.extents().begin() + 1, input.extents().end()});
  layer->build(std::span(&example, 1), random);
  const Json& holder = json.at("args").contains("layer") ? json.at("args").at("layer") : json;
  fill_weights(*layer, holder.value("weights", Json::object()));
  const std::vector<Tensor> results = run_steps(*layer, json.at("steps"));
  const std::span<const float> part = part_of(results, json.at("output_path"));
  std::vector<double> expected;
  flatten(json.at("expected"), expected);
  ASSERT_EQ(part.size(), expected.size());
  const double atol = json.at("atol").get<double>();
  const double rtol = json.at("rtol").get<double>();
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(part[i], expected[i], atol + rtol * std::abs(expected[i])) << "element " << i;
}

TEST(KerasLayers, give_the_numbers_of_its_tests) {
  int ran = 0;
  for (const std::string file : files) {
    std::ifstream stream(std::string(RECURRA_SOURCE_DIR "/tests/data/keras/").append(file).append(".json"));
    const Json parsed = Json::parse(stream);
    for (const Json& json : parsed.at("cases")) {
      EXPECT_NO_THROW(run_case(json)) << json.at("name");
      ++ran;
    }
  }
  EXPECT_EQ(ran, 34);
}

}  // namespace

}  // namespace recurra::test
