/// The guide's encoder and decoder: final states of one layer begin another, in Keras's tables and numbers.
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/layers/dense.h"
#include "recurra/layers/embedding.h"
#include "recurra/layers/gru.h"
#include "recurra/layers/lstm.h"
#include "recurra/training/model.h"
#include "tests/support/keras_archive.h"
#include "tests/support/npz.h"
#include "tests/support/shared_files.h"
#include "tests/support/tensors.h"
#include "tests/support/within.h"

namespace recurra::test {

namespace {

/// Names as a Keras of either version numbers them.
struct Names {
  const char* model;
  const char* first_input;
  const char* second_input;
  const char* first_embedding;
  const char* second_embedding;
  const char* dense;
};

Model encoder_decoder(const Names& names) {
  const Input source({any_extent}, {.name = names.first_input});
  const Input target({any_extent}, {.name = names.second_input});
  const auto embedded = [](i64 words, const char* name, const SymbolicTensor& ids) {
    return graph_layer<Embedding>(EmbeddingOptions{.input_dim = words, .output_dim = 64}, name)(ids);
  };
  LstmOptions options{{.units = 64}};
  options.return_state = true;
  const std::vector<SymbolicTensor> encoded =
      graph_layer<Lstm>(options, "encoder").outputs(embedded(1000, names.first_embedding, source));
  const SymbolicTensor decoded = graph_layer<Lstm>(LstmOptions{{.units = 64}}, "decoder")(
      {embedded(2000, names.second_embedding, target), encoded[1], encoded[2]});
  const SymbolicTensor y = graph_layer<Dense>(DenseOptions{.units = 10}, names.dense)(decoded);
  return Model({source, target}, {y}, names.model);
}

constexpr Names keras3 = {"functional", "input_layer", "input_layer_1", "embedding", "embedding_1", "dense"};
constexpr Names keras2 = {"model", "input_1", "input_2", "embedding_2", "embedding_3", "dense_2"};

std::string contents(const std::filesystem::path& path) {
  std::ifstream stream(path);
  return {std::istreambuf_iterator<char>(stream), {}};
}

TEST(EncoderDecoder, has_the_numbers_of_the_guide) {
  EXPECT_EQ(encoder_decoder(keras3).count_params(), 64'000 + 128'000 + 33'024 + 33'024 + 650);
}

TEST(EncoderDecoder, summary_is_keras_3_s) {
  RECURRA_NEED_SHARED("golden/keras/models");
  std::ostringstream text;
  encoder_decoder(keras3).summary(text);
  const std::string golden =
      contents(shared_folder() / "golden/keras/models/g03_encoder_decoder.summary.txt");
  EXPECT_EQ(text.str(), golden.substr(0, text.str().size())) << text.str();
}

TEST(EncoderDecoder, summary_is_keras_2_s) {
  RECURRA_NEED_SHARED("golden/keras/models_keras2");
  std::ostringstream text;
  encoder_decoder(keras2).summary(text, SummaryStyle::keras2);
  const std::string golden =
      contents(shared_folder() / "golden/keras/models_keras2/seed_summaries_keras2.txt");
  EXPECT_NE(golden.find(text.str()), std::string::npos) << text.str();
}

/// Keras's weights and inputs of a golden model give its outputs.
void expect_golden_outputs(Model& model, const std::string& name) {
  const std::filesystem::path folder = shared_folder() / "golden/keras/models";
  std::vector<Layer*> layers;
  for (const auto& layer : model.layers()) layers.push_back(layer.get());
  load_keras_weights(folder / (name + ".weights.h5"), layers);
  model.parameters_changed();
  std::map<std::string, Tensor> arrays = read_npz(folder / (name + ".io.npz"));
  Examples inputs;
  inputs.x = arrays.at("x0");
  for (int i = 1; arrays.contains("x" + std::to_string(i)); ++i)
    inputs.more_x.push_back(arrays.at("x" + std::to_string(i)));
  std::ifstream stream(folder / "manifest.json");
  const nlohmann::json manifest = nlohmann::json::parse(stream);
  Tolerance tolerance{};
  for (const nlohmann::json& one : manifest.at("models"))
    if (one.at("name") == name) tolerance = {one.at("atol"), one.at("rtol")};
  expect_within(model.predict(inputs), arrays.at("y0"), tolerance);
}

TEST(EncoderDecoder, gives_keras_s_outputs) {
  RECURRA_NEED_SHARED("golden/keras/models");
  Model model = encoder_decoder(keras3);
  expect_golden_outputs(model, "g03_encoder_decoder");
}

TEST(Model, with_a_mask_over_two_recurrent_layers_gives_keras_s_outputs) {
  RECURRA_NEED_SHARED("golden/keras/models");
  const Input tokens({6}, {.name = "tokens"});
  const EmbeddingOptions embedding{.input_dim = 15, .output_dim = 4, .mask_zero = true};
  LstmOptions lstm{{.units = 5}};
  lstm.return_sequences = true;
  SymbolicTensor y = graph_layer<Embedding>(embedding, "emb")(tokens);
  y = graph_layer<Lstm>(lstm, "l1")(y);
  y = graph_layer<Gru>(GruOptions{{.units = 4}}, "g1")(y);
  Model model({tokens}, {graph_layer<Dense>(DenseOptions{.units = 2}, "head")(y)});
  expect_golden_outputs(model, "g12_functional_masked");
}

/// Keras drops a decoder's mask where it has initial states. Here it stays, so that the decoder's embedding
/// must not make one to give the same.
TEST(EncoderDecoder, without_the_mask_that_keras_loses_gives_keras_s_outputs) {
  RECURRA_NEED_SHARED("golden/keras/models");
  const Input source({5}, {.name = "enc_tokens"});
  const Input target({4}, {.name = "dec_tokens"});
  const EmbeddingOptions masked{.input_dim = 11, .output_dim = 4, .mask_zero = true};
  const EmbeddingOptions plain{.input_dim = 13, .output_dim = 4, .mask_zero = false};
  LstmOptions encoder{{.units = 3}};
  encoder.return_state = true;
  LstmOptions decoder{{.units = 3}};
  decoder.return_sequences = true;
  const std::vector<SymbolicTensor> encoded =
      graph_layer<Lstm>(encoder, "enc").outputs(graph_layer<Embedding>(masked, "ee")(source));
  const SymbolicTensor decoded = graph_layer<Lstm>(
      decoder, "dec")({graph_layer<Embedding>(plain, "de")(target), encoded[1], encoded[2]});
  Model model({source, target}, {graph_layer<Dense>(DenseOptions{.units = 2}, "head")(decoded)});
  expect_golden_outputs(model, "g13_masked_encoder_decoder_quirk");
}

TEST(EncoderDecoder, learns_through_the_states) {
  const auto loss_after = [](int updates) {
    Model model = encoder_decoder(keras3);
    model.compile(make_optimizer("adam", 0.01), make_loss("sparse_categorical_crossentropy"));
    Examples batch;
    batch.x = integers({4, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
    batch.more_x.push_back(integers({4, 2}, {1, 1, 1, 1, 1, 1, 1, 1}));  // the source alone tells rows apart
    batch.y = integers({4}, {0, 3, 5, 9});
    double loss = 0;
    for (int i = 0; i < updates; ++i) loss = model.train_on_batch(batch);
    return loss;
  };
  EXPECT_LT(loss_after(30), 0.3 * loss_after(1));
}

}  // namespace

}  // namespace recurra::test
