/// Layers are Keras's: the numbers its own tests hold, from tests/data/keras/*.json.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <iostream>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/layers/model_spec.h"

namespace recurra::test {

namespace {

using Json = nlohmann::json;

constexpr const char* files[] = {"bidirectional", "gru", "lstm", "masking", "simple_rnn", "time_distributed"};

/// A case that cannot run, by the end of its name behind the file's, and what it needs.
struct Listed {
  const char* file;
  const char* name;
  const char* needs;
};

constexpr const char* return_state = "return_state";
constexpr const char* initial_state = "initial_state";

constexpr Listed listed[] = {
    {"bidirectional", "simplernntest_return_state_1", return_state},
    {"bidirectional", "simplernntest_return_state_2", return_state},
    {"bidirectional", "simplernntest_return_state_3", return_state},
    {"bidirectional", "simplernntest_return_state_4", return_state},
    {"bidirectional", "simplernntest_return_state_5", return_state},
    {"gru", "grutest_pass_initial_state_1", initial_state},
    {"gru", "grutest_pass_return_state_1", initial_state},
    {"lstm", "lstmtest_pass_initial_state_1", initial_state},
    {"simple_rnn", "simplernntest_pass_initial_state_1", initial_state},
};

const Listed* find_listed(const std::string& file, const std::string& name) {
  const auto* const found = std::ranges::find_if(
      listed, [&](const Listed& one) { return file == one.file && name == file + "_" + one.name; });
  return found == std::end(listed) ? nullptr : found;
}

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

/// What the last of the steps gives: the output, or which of its steps count as 1 and 0.
Tensor run_steps(Layer& layer, const Json& steps) {
  Tensor result;
  for (const Json& step : steps) {
    const Tensor x = make_input(step.at("input"));
    StepMask mask;
    Context context;
    if (step.contains("mask")) {
      mask = make_mask(step.at("mask"));
      context.mask = &mask;
    }
    result = layer.forward(x, context);
    if (step.at("op") == "call") continue;
    if (step.at("op") != "compute_mask") throw std::runtime_error("step " + step.at("op").dump());
    const StepMask* counted = layer.output_mask(context);
    result = Tensor({counted->batch(), counted->steps()});
    std::copy_n(counted->data(), result.size(), result.data());
  }
  return result;
}

/// The part of the result that a path of row numbers names.
std::span<const float> part_of(const Tensor& result, const Json& path) {
  std::span<const float> part = result.as<float>();
  int axis = 0;
  for (const Json& place : path) {
    if (place == "mask") continue;
    const std::size_t size = part.size() / static_cast<std::size_t>(result.shape()[axis++]);
    part = part.subspan(place.get<std::size_t>() * size, size);
  }
  return part;
}

void run_case(const Json& json) {
  SCOPED_TRACE(json.at("name").get<std::string>());
  const std::unique_ptr<Layer> layer = make_case_layer(json);
  const Shape input = shape_of(json.at("steps").at(0).at("input").at("shape"));
  Random random(1);
  layer->build(Shape({input.extents().begin() + 1, input.extents().end()}), random);
  const Json& holder = json.at("args").contains("layer") ? json.at("args").at("layer") : json;
  fill_weights(*layer, holder.value("weights", Json::object()));
  const Tensor result = run_steps(*layer, json.at("steps"));
  const std::span<const float> part = part_of(result, json.at("output_path"));
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
  std::set<const Listed*> met;
  for (const std::string file : files) {
    std::ifstream stream(std::string(RECURRA_SOURCE_DIR "/tests/data/keras/").append(file).append(".json"));
    const Json parsed = Json::parse(stream);
    for (const Json& json : parsed.at("cases")) {
      const Listed* one = find_listed(file, json.at("name"));
      if (one != nullptr) {
        EXPECT_TRUE(met.insert(one).second) << one->name << " is there twice";
        continue;
      }
      EXPECT_NO_THROW(run_case(json)) << json.at("name");
      ++ran;
    }
  }
  for (const Listed& one : listed) EXPECT_TRUE(met.contains(&one)) << one.file << " has no " << one.name;
  std::cout << ran << " cases ran, " << met.size() << " are listed with what they need\n";
  EXPECT_EQ(ran, 25);
}

/// What a listed case needs is not there: else it must run.
TEST(KerasLayers, lack_what_the_listed_cases_need) {
  for (const char* type : {"LSTM", "GRU", "SimpleRNN"}) {
    const Json config = {{"units", 2}, {return_state, true}};
    EXPECT_THROW(make_layer({type, config.dump()}), Error);
  }
}

}  // namespace

}  // namespace recurra::test
