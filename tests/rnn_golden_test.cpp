/// RNN over cells of a user's, and over cells one above the other: the numbers of Keras's own tests.
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/layers/recurrent_cells.h"
#include "recurra/layers/rnn.h"
#include "tests/support/user_cells.h"

namespace recurra::test {
namespace {

using Json = nlohmann::json;

std::unique_ptr<Cell> make_cell(const Json& json) {
  if (json.value("layer", "") == "LSTMCell")
    return std::make_unique<LstmCell>(LstmOptions{{.units = json.at("args").at("units").get<i64>()}});
  const i64 units = json.at("units").get<i64>();
  if (json.at("cell") == "TwoStatesRNNCell") return std::make_unique<TwoStatesCell>(units);
  return std::make_unique<OneStateCell>(units);
}

RnnOptions options_of(const Json& args) {
  return {.return_sequences = args.value("return_sequences", false),
          .return_state = args.value("return_state", false),
          .go_backwards = args.value("go_backwards", false),
          .stateful = args.value("stateful", false)};
}

std::unique_ptr<Rnn> make_rnn(const Json& args) {
  const Json& cell = args.at("cell");
  if (!cell.is_array()) return std::make_unique<Rnn>(make_cell(cell), options_of(args));
  std::vector<std::unique_ptr<Cell>> cells;
  for (const Json& one : cell) cells.push_back(make_cell(one));
  return std::make_unique<Rnn>(std::move(cells), options_of(args));
}

// The custom cells make their weights of ones; the LSTMs' are constants of the case.
void fill_weights(Rnn& rnn, const Json& cell) {
  if (!cell.is_array() || !cell[0].contains("weights")) return;
  const Json& constants = cell[0].at("weights");
  for (Parameter* parameter : rnn.parameters()) {
    const std::string name = parameter->name.substr(parameter->name.rfind('/') + 1);
    for (float& value : parameter->value.as<float>()) value = constants.at(name).get<float>();
    const i64 units = parameter->value.size() / 4;
    if (name == "bias")
      std::fill_n(parameter->value.data() + units, units, constants.at("forget_bias").get<float>());
  }
  rnn.parameters_changed();
}

Tensor make_input(const Json& json) {
  Tensor tensor(Shape(json.at("shape").get<std::vector<i64>>()));
  for (i64 i = 0; i < tensor.size(); ++i) {
    tensor.data()[i] =
        json.at("rule") == "full" ? json.at("value").get<float>() : float(i) / json.at("div").get<float>();
  }
  return tensor;
}

std::vector<double> flat(const Json& json) {
  if (!json.is_array()) return {json.get<double>()};
  std::vector<double> values;
  for (const Json& part : json) {
    const std::vector<double> more = flat(part);
    values.insert(values.end(), more.begin(), more.end());
  }
  return values;
}

void run_case(const Json& json) {
  const Json& args = json.at("args");
  const std::unique_ptr<Rnn> rnn = make_rnn(args);
  const auto extents = json.at("steps").at(0).at("input").at("shape").get<std::vector<i64>>();
  Random random(1);
  rnn->build(std::vector<Shape>{Shape(std::vector<i64>(extents.begin() + 1, extents.end()))}, random);
  fill_weights(*rnn, args.at("cell"));
  TensorList results;
  for (const Json& step : json.at("steps")) {
    ASSERT_EQ(step.at("op"), "call");
    const Tensor x = make_input(step.at("input"));
    std::vector<Tensor> states;
    if (step.contains("initial_state"))
      for (const Json& state : step.at("initial_state")) states.push_back(make_input(state));
    std::vector<const Tensor*> inputs = {&x};
    for (const Tensor& state : states) inputs.push_back(&state);
    StepMask mask;
    if (step.contains("mask")) {
      const std::vector<double> counts = flat(step.at("mask"));
      mask = StepMask::of_bytes(extents[0], extents[1], {counts.begin(), counts.end()});
    }
    Context context;
    context.mask = mask.empty() ? nullptr : &mask;
    results = rnn->forward(inputs, context);
  }
  const Json& path = json.at("output_path");
  const Tensor& result = *results[path.empty() ? 0 : path[0].get<std::size_t>()];
  const std::vector<double> expected = flat(json.at("expected"));
  ASSERT_EQ(std::size_t(result.size()), expected.size());
  const double atol = json.at("atol").get<double>();
  const double rtol = json.at("rtol").get<double>();
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(result.data()[i], expected[i], atol + rtol * std::abs(expected[i])) << "element " << i;
}

TEST(RnnGolden, gives_the_numbers_of_kerass_tests) {
  int ran = 0;
  for (const char* file : {"rnn", "stacked_rnn_cells"}) {
    std::ifstream stream(std::string(RECURRA_SOURCE_DIR "/tests/data/keras/").append(file).append(".json"));
    const Json parsed = Json::parse(stream);
    for (const Json& json : parsed.at("cases")) {
      SCOPED_TRACE(json.at("name").get<std::string>());
      run_case(json);
      ++ran;
    }
  }
  EXPECT_EQ(ran, 23);
}

}  // namespace
}  // namespace recurra::test
