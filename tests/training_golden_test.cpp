/// Training is Keras's: from the same weights and batches the same losses and weights.
#include <cmath>
#include <cstring>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/data/mnist.h"
#include "recurra/layers/bidirectional.h"
#include "recurra/layers/dense.h"
#include "recurra/layers/embedding.h"
#include "recurra/layers/gru.h"
#include "recurra/layers/lstm.h"
#include "recurra/layers/simple_rnn.h"
#include "recurra/training/sequential.h"
#include "tests/support/npz.h"
#include "tests/support/shared_files.h"
#include "tests/support/within.h"

namespace recurra::test {

namespace {

const std::filesystem::path source = RECURRA_SOURCE_DIR;

using Arrays = std::map<std::string, Tensor>;

void set_weights(Sequential& model, const Arrays& arrays, const std::string& prefix) {
  const std::vector<Parameter*> parameters = model.parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const Tensor& from = arrays.at(prefix + std::to_string(i));
    ASSERT_EQ(from.shape(), parameters[i]->value.shape()) << parameters[i]->name;
    parameters[i]->value = from;
  }
  model.parameters_changed();
}

double largest_difference(const Tensor& a, const Tensor& b) {
  double largest = a.shape() == b.shape() ? 0.0 : INFINITY;
  for (i64 i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(double(a.data()[i]) - b.data()[i]));
  return largest;
}

double largest_weight_difference(const Sequential& model, const Arrays& arrays, const std::string& prefix) {
  double largest = 0;
  const std::vector<Parameter*> parameters = model.parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    largest =
        std::max(largest, largest_difference(parameters[i]->value, arrays.at(prefix + std::to_string(i))));
  }
  return largest;
}

/// Weights "wT.0", …, or gradients "g0.0", …
void expect_weights(const Sequential& model,
                    const Arrays& arrays,
                    const std::string& prefix,
                    const Tolerance& tolerance) {
  const std::vector<Parameter*> parameters = model.parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    SCOPED_TRACE(prefix + parameters[i]->name);
    const Tensor& actual = prefix[0] == 'g' ? parameters[i]->gradient : parameters[i]->value;
    expect_within(actual, arrays.at(prefix + std::to_string(i)), tolerance);
  }
}

TEST(KerasTraining, lstm_dense_with_momentum_within_2e_6_a_step) {
  const Arrays arrays = read_npz(source / "tests/data/keras/t01_lstm_dense_sgd.train.npz");
  Sequential model(parse_model_json(nlohmann::json::parse(R"({"layers": [
      {"class_name": "LSTM", "config": {"units": 4, "return_sequences": true}},
      {"class_name": "Dense", "config": {"units": 3}}]})")));
  model.build({6, 3});
  set_weights(model, arrays, "w0.");
  model.compile(std::make_unique<Sgd>(SgdOptions{0.1, 0.9}), make_loss("mse"));
  const Tensor& losses = arrays.at("loss");
  for (int step = 0; step < 5; ++step) {
    const double loss = model.train_on_batch(arrays.at("x"), arrays.at("y"));
    EXPECT_NEAR(loss, losses.data()[step], 2e-6) << "step " << step;
    if (step > 0) continue;
    const std::vector<Parameter*> parameters = model.parameters();
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      EXPECT_LE(largest_difference(parameters[i]->gradient, arrays.at("g0." + std::to_string(i))), 2e-6)
          << parameters[i]->name;
    }
  }
  EXPECT_LE(largest_weight_difference(model, arrays, "wT."), 5 * 2e-6);
}

TEST(KerasTraining, gru_dense_with_adam_within_1e_5) {
  const Tolerance tolerance{1e-5, 1e-4};
  const Arrays arrays = read_npz(source / "tests/data/keras/t02_gru_dense_adam.train.npz");
  Sequential model;
  model.add(std::make_unique<Gru>(GruOptions{{.units = 5}}));
  model.add(std::make_unique<Dense>(DenseOptions{.units = 4}));
  model.build({7, 3});
  set_weights(model, arrays, "w0.");
  model.compile(std::make_unique<Adam>(AdamOptions{.learning_rate = 0.01}),
                make_loss("sparse_categorical_crossentropy"));
  Tensor losses({5});
  for (int step = 0; step < 5; ++step) {
    losses.data()[step] = float(model.train_on_batch(arrays.at("x"), arrays.at("y")));
    if (step == 0) expect_weights(model, arrays, "g0.", tolerance);
  }
  expect_within(losses, arrays.at("loss"), tolerance);
  expect_weights(model, arrays, "wT.", tolerance);
}

/// The guide's digit model over the 100 batches of t03.
class Digits : public testing::Test {
 protected:
  void train(std::unique_ptr<Optimizer> optimizer, const std::string& key, double tolerance) {
    const Mnist mnist = read_mnist(source / "data/mnist");
    const Examples examples{mnist.train.images, mnist.train.labels, {}};
    model_.build({28, 28});
    set_weights(model_, arrays_, "w0.");
    model_.compile(std::move(optimizer), make_loss("sparse_categorical_crossentropy"));
    const Tensor& batches = arrays_.at("batches");
    const Tensor& losses = arrays_.at("loss." + key);
    ASSERT_EQ(batches.shape(), (Shape{100, 64}));
    Batch batch;
    for (int step = 0; step < 100; ++step) {
      batch.gather(examples, batches.as<std::int32_t>().subspan(std::size_t(step) * 64, 64));
      const double loss = model_.train_on_batch(batch.x, batch.y);
      worst_ = std::max(worst_, std::abs(loss - losses.data()[step]));
    }
    EXPECT_LE(worst_, tolerance);
    RecordProperty("largest_loss_difference", std::to_string(worst_));
  }

  Sequential model_{parse_model("lstm:64,batch_norm,dense:10")};
  Arrays arrays_;
  double worst_ = 0;
};

constexpr const char* t03 = "golden/keras/models/t03_digits.train.npz";

TEST_F(Digits, losses_and_weights_with_sgd_within_1e_5) {
  RECURRA_NEED_SHARED(t03);
  arrays_ = read_npz(shared_folder() / t03);
  train(make_optimizer("sgd"), "sgd", 1e-5);
  EXPECT_LE(largest_weight_difference(model_, arrays_, "wT.sgd."), 1e-5);
}

TEST_F(Digits, losses_with_adam_within_5e_4) {
  RECURRA_NEED_SHARED(t03);
  arrays_ = read_npz(shared_folder() / t03);
  train(make_optimizer("adam"), "adam", 5e-4);
}

/// The model's table is the text of the file in tests/data/keras, which ends with an empty line.
void expect_summary(const Sequential& model, const std::string& name) {
  std::ifstream file(source / "tests/data/keras" / (name + ".summary.txt"));
  std::stringstream expected;
  expected << file.rdbuf();
  std::ostringstream text;
  model.summary(text);
  EXPECT_EQ(text.str() + "\n", expected.str());
}

TEST(KerasSummary, of_the_digit_model_is_the_same_text) {
  Sequential model(parse_model("lstm:64,batch_norm,dense:10"));
  model.compile(make_optimizer("sgd"), make_loss("sparse_categorical_crossentropy"), {"accuracy"});
  model.build({28, 28});
  expect_summary(model, "g05_mnist_lstm_bn_dense");
}

TEST(KerasSummary, of_the_guides_embedding_and_lstm_is_the_same_text) {
  Sequential model;
  model.add(std::make_unique<Embedding>(EmbeddingOptions{.input_dim = 1000, .output_dim = 64}));
  model.add(std::make_unique<Lstm>(LstmOptions{{.units = 128}}));
  model.add(std::make_unique<Dense>(DenseOptions{.units = 10}));
  model.build({any_extent});
  expect_summary(model, "g01_embedding_lstm_dense");
}

TEST(KerasSummary, of_the_guides_gru_and_simple_rnn_is_the_same_text) {
  Sequential model;
  model.add(std::make_unique<Embedding>(EmbeddingOptions{.input_dim = 1000, .output_dim = 64}));
  model.add(std::make_unique<Gru>(GruOptions{{.units = 256, .return_sequences = true}}));
  model.add(std::make_unique<SimpleRnn>(RecurrentOptions{.units = 128}));
  model.add(std::make_unique<Dense>(DenseOptions{.units = 10}));
  model.build({any_extent});
  expect_summary(model, "g02_embedding_gru_simplernn_dense");
}

TEST(KerasSummary, of_the_guides_bidirectional_lstms_is_the_same_text) {
  Sequential model;
  model.add(std::make_unique<Bidirectional>(
      std::make_unique<Lstm>(LstmOptions{{.units = 64, .return_sequences = true}})));
  model.add(std::make_unique<Bidirectional>(std::make_unique<Lstm>(LstmOptions{{.units = 32}})));
  model.add(std::make_unique<Dense>(DenseOptions{.units = 10}));
  model.build({5, 10});
  expect_summary(model, "g04_bidirectional_lstm");
}

}  // namespace

}  // namespace recurra::test
