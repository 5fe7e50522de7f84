/// Whole models are Keras's: architecture and weights from its files, the output of every layer from its
/// runs.
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "tests/support/keras_archive.h"
#include "tests/support/npz.h"
#include "tests/support/shared_files.h"
#include "tests/support/within.h"

namespace recurra::test {

namespace {

/// A file in the collection, as models/g01_embedding_lstm_dense.
struct Golden {
  const char* folder;
  const char* name;
  bool layers = true;  ///< whether every layer's output was written, or the model's only
};

std::ostream& operator<<(std::ostream& out, const Golden& golden) {
  return out << golden.name;
}

/// What the folder's manifest states for the model.
Tolerance tolerance_of(const std::filesystem::path& folder, const std::string& name) {
  std::ifstream stream(folder / "manifest.json");
  const nlohmann::json manifest = nlohmann::json::parse(stream);
  for (const nlohmann::json& model : manifest.at("models")) {
    if (model.at("name") == name) return {model.at("atol"), model.at("rtol")};
  }
  throw std::runtime_error("manifest: no " + name);
}

class KerasModels : public testing::TestWithParam<Golden> {};

TEST_P(KerasModels, give_the_same_output_in_every_layer) {
  const Golden& golden = GetParam();
  const std::string relative = std::string("golden/keras/").append(golden.folder);
  RECURRA_NEED_SHARED(relative);
  const std::filesystem::path folder = shared_folder() / relative;
  const auto file = [&](const char* ending) {
    return folder / std::string(golden.name).append(ending);
  };
  const ModelSpec spec = read_keras_architecture(file(".keras"));
  std::vector<std::unique_ptr<Layer>> layers;
  std::vector<Layer*> all;
  Random random(1);
  Shape shape = spec.input.value();
  for (const ModelSpec::LayerSpec& layer : spec.layers) {
    layers.push_back(make_layer(layer));
    all.push_back(layers.back().get());
    shape = layers.back()->build(shape, random);
  }
  load_keras_weights(file(".weights.h5"), all);
  const Tolerance tolerance = tolerance_of(folder, golden.name);
  std::map<std::string, Tensor> arrays = read_npz(file(".io.npz"));
  const Tensor* x = &arrays.at("x0");
  Context context;
  for (const auto& layer : layers) {
    SCOPED_TRACE(layer->name());
    const Tensor& y = layer->forward(*x, context);
    context.mask = layer->output_mask(context);
    if (golden.layers) expect_within(y, arrays.at("layer." + layer->name() + ".0"), tolerance);
    x = &y;
  }
  expect_within(*x, arrays.at("y0"), tolerance);
}

constexpr Golden models[] = {
    {"models", "g01_embedding_lstm_dense"},
    {"models", "g02_embedding_gru_simplernn_dense"},
    {"models", "g04_bidirectional_lstm"},
    {"models", "g05_mnist_lstm_bn_dense"},
    {"models", "g06_gru_reset_after_true"},
    {"models", "g07_gru_reset_after_false"},
    {"models", "g08_masked_embedding_gru"},
    {"models", "g09_bidirectional_sum"},
    {"models", "g10_masking_dropout_backwards"},
    {"models_keras2", "k2a_embedding_lstm_bigru_bn", false},
    {"models_keras2", "k2c_simplernn_gru_compiled", false},
};

INSTANTIATE_TEST_SUITE_P(All, KerasModels, testing::ValuesIn(models), [](const auto& info) {
  return std::string(info.param.name);
});

}  // namespace

}  // namespace recurra::test
