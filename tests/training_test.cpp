/// Sequential, losses, metrics, optimizers and model files: behaviour and the texts of errors.
#include <cmath>
#include <fstream>
#include <functional>
#include <limits>
#include <sstream>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "recurra/base/file.h"
#include "recurra/formats/safetensors.h"
#include "recurra/training/sequential.h"
#include "tests/support/small_models.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

TEST(Fit, learns_and_tells_of_every_epoch) {
  const Examples examples = sign_examples(256, 6);
  Sequential model = small_model();
  std::ostringstream text;
  FitOptions options;
  options.epochs = 8;
  options.validation_data = &examples;
  options.progress = &text;
  const History history = model.fit(examples, options);
  ASSERT_EQ(history.epochs.size(), 8U);
  EXPECT_GT(history.epochs.back().at("val_accuracy"), 0.9);
  EXPECT_LT(history.epochs.back().at("loss"), history.epochs.front().at("loss"));
  EXPECT_EQ(history.seconds.size(), 8U);
  EXPECT_NE(text.str().find("Epoch 8/8\n8/8 - "), std::string::npos) << text.str();
  EXPECT_NE(text.str().find(" - val_accuracy: 0.9"), std::string::npos) << text.str();
}

TEST(Fit, same_seed_same_bits_for_any_number_of_threads) {
  const Examples examples = sign_examples(300, 20);
  std::vector<float> first;
  for (const int threads : {1, 2}) {
    Sequential model = small_model("sgd", "lstm:64,dense:2");
    model.set_threads(threads);
    model.build({20, 2}, 7);
    FitOptions options;
    options.batch_size = 100;
    options.epochs = 2;
    model.fit(examples, options);
    if (first.empty()) first = all_weights(model);
    EXPECT_EQ(first, all_weights(model));
  }
  Sequential other = small_model("sgd", "lstm:64,dense:2");
  other.build({20, 2}, 8);
  EXPECT_NE(first, all_weights(other));
}

TEST(Fit, padding_past_the_lengths_changes_nothing) {
  Examples examples = sign_examples(40, 9);
  Random random(2);
  for (int row = 0; row < 40; ++row) examples.lengths.push_back(int(random.below(10)));
  Examples padded = examples;
  for (int row = 0; row < 40; ++row) {
    for (i64 i = examples.lengths[std::size_t(row)] * 2; i < 18; ++i) padded.x.data()[row * 18 + i] = 99.0F;
  }
  std::vector<float> weights[2];
  for (const int which : {0, 1}) {
    Sequential model = small_model();
    model.fit(which == 0 ? examples : padded);
    weights[which] = all_weights(model);
  }
  EXPECT_EQ(weights[0], weights[1]);
}

TEST(Fit, predict_gives_the_same_rows_in_any_batch) {
  const Examples examples = sign_examples(37, 5);
  Sequential model = small_model();
  model.fit(examples);
  const Tensor one = model.predict(examples.x, {}, 1);
  const Tensor many = model.predict(examples.x, {}, 32);
  EXPECT_EQ(one.shape(), (Shape{37, 2}));
  EXPECT_TRUE(std::ranges::equal(one.as<float>(), many.as<float>()));
}

TEST(Fit, a_loss_that_is_not_finite_stops_training_and_names_the_step) {
  Examples examples = sign_examples(96, 3);
  examples.x.data()[50 * 6] = std::numeric_limits<float>::quiet_NaN();
  Sequential model = small_model("sgd", "lstm:4,dense:2");
  FitOptions options;
  options.shuffle = false;
  EXPECT_EQ(error_text([&] { model.fit(examples, options); }),
            "loss: expected a finite number, got nan at step 2 of epoch 1");
  for (const float weight : all_weights(model)) ASSERT_TRUE(std::isfinite(weight));
}

TEST(Fit, a_gradient_that_is_not_finite_stops_training_before_the_update) {
  // The loss is 1e9; the gradient of the first kernel is 1e9 times the input, too much for f32.
  Examples examples{Tensor({1, 1}), Tensor({1}, Dtype::i32), {}};
  examples.x.data()[0] = 1e30F;
  Sequential model(parse_model("dense:1,dense:2"));
  model.compile(make_optimizer("sgd"), make_loss("sparse_categorical_crossentropy"));
  model.build({1});
  model.parameters()[0]->value.data()[0] = 1e-30F;
  model.parameters()[2]->value.data()[0] = 0.0F;
  model.parameters()[2]->value.data()[1] = 1e9F;
  model.parameters_changed();
  const std::vector<float> before = all_weights(model);
  EXPECT_EQ(error_text([&] { model.fit(examples); }),
            "dense/kernel.gradient[0]: expected a finite number, got inf at step 1 of epoch 1");
  EXPECT_EQ(all_weights(model), before);
}

TEST(Fit, accuracy_takes_the_losss_word_on_logits) {
  Examples examples{Tensor({1, 1}), Tensor({1}, Dtype::i32), {}};
  examples.x.data()[0] = 1.0F;
  examples.y.as<std::int32_t>()[0] = 1;
  for (const bool from_logits : {true, false}) {
    Sequential model(parse_model("dense:1"));
    const CrossentropyOptions options{from_logits, 0.0};
    model.compile(make_optimizer("sgd"), std::make_unique<BinaryCrossentropy>(options), {"accuracy"});
    model.build({1});
    model.parameters()[0]->value.data()[0] = 0.25F;
    model.parameters_changed();
    EXPECT_EQ(model.evaluate(examples).at("accuracy"), from_logits ? 1.0 : 0.0);
  }
}

TEST(Fit, what_does_not_fit_is_named) {
  const Examples good = sign_examples(10, 3);
  Sequential model = small_model();
  FitOptions options;
  options.batch_size = 0;
  EXPECT_EQ(error_text([&] { model.fit(good, options); }), "batch_size: expected from 1 up, got 0");
  options = {};
  options.epochs = -1;
  EXPECT_EQ(error_text([&] { model.fit(good, options); }), "epochs: expected from 0 up, got -1");
  Examples bad = good;
  bad.y = Tensor({9}, Dtype::i32);
  EXPECT_EQ(error_text([&] { model.fit(bad); }),
            "examples.y: expected (10, ...), a target for each example, got (9,)");
  bad = good;
  bad.y.as<std::int32_t>()[4] = 2;
  FitOptions unshuffled;
  unshuffled.shuffle = false;
  EXPECT_EQ(error_text([&] { model.fit(bad, unshuffled); }),
            "labels[4]: expected a class from 0 to 1, got 2");
  bad = good;
  bad.y = Tensor({10}, Dtype::f32);
  EXPECT_EQ(error_text([&] { model.fit(bad); }), "labels: expected i32, got f32");
  bad = good;
  bad.lengths.assign(10, 3);
  bad.lengths[2] = 4;
  EXPECT_EQ(error_text([&] { model.fit(bad); }), "examples.lengths[2]: expected 0 to 3, got 4");
  bad.lengths.resize(3);
  EXPECT_EQ(error_text([&] { model.fit(bad); }), "examples.lengths: expected 10 lengths, got 3");
  bad = good;
  bad.x = Tensor({10, 3, 2}, Dtype::u8);
  EXPECT_EQ(error_text([&] { model.fit(bad); }), "examples.x: expected f32 or i32, got u8");
  EXPECT_EQ(error_text([&] { Sequential(parse_model("dense:2")).fit(good); }),
            "sequential: expected a compiled model: call compile first, got one not compiled");
  EXPECT_EQ(error_text([&] {
              Sequential().build({3, 2});
            }),
            "sequential: expected at least one layer, got none");
  EXPECT_EQ(error_text([&] { static_cast<void>(small_model().predict(good.x)); }),
            "sequential.predict: expected a built model, got one without weights");
}

TEST(Names, repeated_layers_are_numbered_as_in_keras) {
  const Sequential model(parse_model("lstm:2,lstm:2,lstm:2"));
  EXPECT_EQ(model.layers()[0]->name(), "lstm");
  EXPECT_EQ(model.layers()[1]->name(), "lstm_1");
  EXPECT_EQ(model.layers()[2]->name(), "lstm_2");
}

class ModelFile : public testing::Test {
 protected:
  void SetUp() override {
    model_ = small_model();
    model_.fit(sign_examples(40, 4));
    model_.save(path_);
  }

  /// The file over again with the table changed.
  std::string error_with(const std::function<void(WeightTable&)>& change) {
    WeightTable table = read_safetensors(path_);
    change(table);
    write_safetensors(path_, table);
    std::string text = error_text([&] { static_cast<void>(Sequential::load(path_)); });
    const std::size_t at = text.find(path_.string());
    return at == std::string::npos ? text : text.replace(at, path_.string().size(), "FILE");
  }

  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "model.safetensors";
  Sequential model_;
};

TEST_F(ModelFile, gives_the_same_model_back) {
  Sequential again = Sequential::load(path_);
  EXPECT_EQ(all_weights(again), all_weights(model_));
  const Tensor x = sign_examples(5, 4).x;
  EXPECT_TRUE(std::ranges::equal(again.predict(x).as<float>(), model_.predict(x).as<float>()));
  std::ostringstream a, b;
  again.summary(a);
  model_.summary(b);
  EXPECT_EQ(a.str(), b.str());
}

TEST_F(ModelFile, wrong_contents_are_named) {
  EXPECT_EQ(error_with([](WeightTable& t) { t.at("lstm/bias").data()[3] = NAN; }),
            "FILE: lstm/bias: expected finite weights, got nan at element 3");
  model_.save(path_);
  EXPECT_EQ(error_with([](WeightTable& t) {
              t.at("dense/kernel") = Tensor({8, 3});
            }),
            "FILE: dense/kernel: expected shape (8, 2), got (8, 3)");
  model_.save(path_);
  EXPECT_EQ(error_with([](WeightTable& t) {
              WeightTable other;
              for (const auto& [name, tensor] : t.entries())
                other.add(name == "lstm/bias" ? "lstm/bios" : name, tensor);
              for (const auto& [key, value] : t.metadata()) other.set_metadata(key, value);
              t = other;
            }),
            "FILE: expected the tensors of its architecture, got missing lstm/bias; unexpected lstm/bios");
  model_.save(path_);
  EXPECT_EQ(error_with([](WeightTable& t) { t.set_metadata("format_version", "3"); }),
            "FILE: format_version \"3\": supported are 1, 2");
  model_.save(path_);
  EXPECT_EQ(error_with([](WeightTable& t) { t.set_metadata("format", "other"); }),
            "FILE: expected a model of recurra (metadata \"format\": \"recurra\"), got \"other\"");
  model_.save(path_);
  EXPECT_EQ(error_with([](WeightTable& t) { t.set_metadata("model", "{"); }),
            "FILE: model: expected a JSON object, got something else");
  model_.save(path_);
  EXPECT_EQ(
      error_with([](WeightTable& t) {
        t.set_metadata("model", R"({"layers": [{"class_name": "Lambda"}], "input_shape": [3, 2]})");
      }),
      "layer \"Lambda\": supported are LSTM, GRU, SimpleRNN, Bidirectional, OptimizedRNNStack, RNN, Dense, "
      "BatchNormalization, Embedding, Masking, Dropout, "
      "Activation, Flatten, GlobalAveragePooling1D, TimeDistributed, ReLU, LeakyReLU, ELU, Softmax, "
      "Add, Subtract, Multiply, Average, Maximum, Minimum, Concatenate, Dot, "
      "RepeatVector, Reshape, Permute, LayerNormalization, MaxPooling1D, Conv1D, Attention, "
      "AdditiveAttention");
  model_.save(path_);
  EXPECT_EQ(error_with([](WeightTable& t) {
              t.set_metadata("model", R"({"layers": [{"class_name": "Dense", "config": {"units": 2}}]})");
            }),
            "FILE: input_shape: expected positive extents or null, got null");
}

TEST_F(ModelFile, truncated_at_any_place_is_refused) {
  const std::string bytes = read_file(path_);
  for (std::size_t size = 0; size < bytes.size(); size += bytes.size() / 97 + 1) {
    write_bytes(path_, bytes.substr(0, size));
    EXPECT_THROW(static_cast<void>(Sequential::load(path_)), Error) << size;
  }
}

}  // namespace

}  // namespace recurra::test
