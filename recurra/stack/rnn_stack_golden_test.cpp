/// The optimized stack against golden numbers, on every target of this machine.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/stack/rnn_stack.h"
#include "tests/support/tensors.h"
#include "tests/support/within.h"

namespace recurra::test {

namespace {

using Json = nlohmann::json;

Json case_of(const std::string& name) {
  std::ifstream file(std::string(RECURRA_SOURCE_DIR "/tests/data/cntk/") + name + ".json");
  return Json::parse(file);
}

Tensor tensor_of(const Json& json) {
  return floats(Shape(json["shape"].get<std::vector<i64>>()), json["data"].get<std::vector<float>>());
}

/// Sequences of a case side by side, short ones filled with what must not be read.
struct Sequences {
  Tensor x;
  std::vector<int> lengths;
};

Sequences sequences_of(const Json& inputs) {
  std::vector<Tensor> parts;
  for (int k = 0; inputs.contains("x" + std::to_string(k)); ++k)
    parts.push_back(tensor_of(inputs["x" + std::to_string(k)]));
  Sequences all;
  i64 steps = 0;
  for (const Tensor& part : parts) {
    steps = std::max(steps, part.shape()[0]);
    all.lengths.push_back(int(part.shape()[0]));
  }
  const i64 features = parts[0].shape()[1];
  all.x = Tensor({i64(parts.size()), steps, features});
  std::ranges::fill(all.x.as<float>(), std::numeric_limits<float>::quiet_NaN());
  for (std::size_t k = 0; k < parts.size(); ++k)
    std::copy_n(parts[k].data(), parts[k].size(), all.x.data() + i64(k) * steps * features);
  return all;
}

/// The first `length` steps of one row.
Tensor row_of(const Tensor& y, i64 row, i64 length) {
  Tensor part({length, y.shape()[2]});
  std::copy_n(y.data() + row * y.shape()[1] * y.shape()[2], part.size(), part.data());
  return part;
}

class GoldenStack : public testing::TestWithParam<const char*> {};

TEST_P(GoldenStack, gives_the_golden_outputs_on_every_target) {
  const Json golden = case_of(GetParam());
  const Json& config = golden["config"];
  const Tolerance tolerance{golden["tolerance"]["abs"], golden["tolerance"]["rel"]};
  const RnnStackOptions options{.units = config["hiddenSize"],
                                .layers = config["numLayers"],
                                .bidirectional = config["bidirectional"],
                                .op = parse_recurrent_op(config["recurrentOp"].get<std::string>())};
  const Sequences sequences = sequences_of(golden["inputs"]);
  for (const Target* target : supported_targets()) {
    for (const bool training : {false, true}) {
      SCOPED_TRACE(std::string(target->name) + (training ? " training" : ""));
      RnnStack stack(options, sequences.x.shape()[2], *target);
      stack.set_weights(tensor_of(golden["inputs"]["weights"]));
      const Tensor& y = stack.forward(sequences.x, {.lengths = sequences.lengths, .training = training}).y;
      for (std::size_t row = 0; row < sequences.lengths.size(); ++row) {
        const Tensor expected = tensor_of(golden["expected"]["y" + std::to_string(row)]);
        expect_within(row_of(y, i64(row), sequences.lengths[row]), expected, tolerance);
      }
      EXPECT_STREQ(stack.report(0, 0).target, target->name);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cntk,
    GoldenStack,
    testing::Values("lstm_uni_1", "lstm_bi_2", "gru_uni_1", "gru_uni_2", "rnnTanh_uni_1", "rnnReLU_bi_2"),
    [](const auto& name) { return std::string(name.param); });

}  // namespace

}  // namespace recurra::test
