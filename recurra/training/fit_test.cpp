/// What fit, evaluate and predict are asked for: weights, masks, validation and sources.
#include <cmath>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/data/examples_source.h"
#include "recurra/data/split.h"
#include "recurra/training/sequential.h"
#include "tests/support/small_models.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

/// dense:2 that says class 1 for positive inputs, class 0 for negative ones.
Sequential sign_model() {
  Sequential model(parse_model("dense:2"));
  model.compile(
      make_optimizer("sgd", 0.1), make_loss("sparse_categorical_crossentropy"), {"accuracy"}, {"accuracy"});
  model.build({1});
  model.set_weights({floats({1, 2}, {-1, 1}), Tensor({2})});
  return model;
}

/// Four inputs; the second and the fourth are on the wrong side.
Examples four_examples() {
  Examples examples{floats({4, 1}, {1, 1, -1, -1}), Tensor({4}, Dtype::i32)};
  const int labels[] = {1, 0, 0, 1};
  std::ranges::copy(labels, examples.y.as<std::int32_t>().begin());
  return examples;
}

// Cross-entropy of logits -1, 1 for the right class and for the wrong one.
const double right = std::log1p(std::exp(-2.0));
const double wrong = right + 2.0;

TEST(Weights, count_in_the_loss_and_in_weighted_metrics_only) {
  Sequential model = sign_model();
  Examples examples = four_examples();
  examples.sample_weights = floats({4}, {3, 1, 2, 0});
  const Logs logs = model.evaluate(examples);
  EXPECT_NEAR(logs.at("loss"), (3 * right + wrong + 2 * right) / 4, 1e-6);
  EXPECT_DOUBLE_EQ(logs.at("accuracy"), 0.5);
  EXPECT_DOUBLE_EQ(logs.at("weighted_accuracy"), 5.0 / 6.0);
  EXPECT_EQ(model.test_on_batch(examples), logs);
}

TEST(Weights, of_classes_are_those_of_samples_in_training_but_not_in_validation) {
  Examples examples = sign_examples(40, 4);
  const Examples plain = examples;
  FitOptions by_class;
  by_class.class_weight = {{1, 0.25}};
  by_class.validation_data = &plain;
  Sequential one = small_model();
  const History history = one.fit(examples, by_class);
  examples.sample_weights = Tensor({40});
  for (std::size_t i = 0; i < 40; ++i)
    examples.sample_weights.data()[i] = plain.y.as<std::int32_t>()[i] == 1 ? 0.25F : 1.0F;
  FitOptions by_sample;
  by_sample.validation_data = &plain;
  Sequential other = small_model();
  EXPECT_EQ(other.fit(examples, by_sample).epochs, history.epochs);
  EXPECT_EQ(all_weights(one), all_weights(other));
  EXPECT_EQ(one.evaluate(plain).at("loss"), history.epochs[0].at("val_loss"));
}

TEST(Masks, are_what_lengths_are) {
  Examples by_lengths = sign_examples(20, 5);
  Examples by_mask = by_lengths;
  by_mask.mask = Tensor({20, 5}, Dtype::u8);
  for (int row = 0; row < 20; ++row) {
    by_lengths.lengths.push_back(row % 6);
    for (int step = 0; step < row % 6; ++step) by_mask.mask.as<std::uint8_t>()[row * 5 + step] = 1;
  }
  Sequential one = small_model();
  Sequential other = small_model();
  EXPECT_EQ(one.fit(by_lengths).epochs, other.fit(by_mask).epochs);
  EXPECT_EQ(all_weights(one), all_weights(other));
  EXPECT_EQ(one.evaluate(by_lengths, 7), other.evaluate(by_mask, 7));
  const Tensor y = one.predict(by_lengths.x, by_lengths.lengths);
  const Tensor z = other.predict({by_mask.x, {}, {}, {}, by_mask.mask}, 7);
  EXPECT_TRUE(std::ranges::equal(y.as<float>(), z.as<float>()));
  const Tensor whole = other.predict(by_mask.x);
  EXPECT_FALSE(std::ranges::equal(y.as<float>(), whole.as<float>()));
}

TEST(Masks, leave_steps_of_an_output_with_steps_out_of_loss_and_metrics) {
  Sequential model(parse_model_json(nlohmann::json::parse(R"({"layers": [
      {"class_name": "LSTM", "config": {"units": 3, "return_sequences": true}},
      {"class_name": "Dense", "config": {"units": 2}}]})")));
  model.compile(
      make_optimizer("sgd"), make_loss("sparse_categorical_crossentropy"), {"accuracy"}, {"accuracy"});
  Examples examples = sign_examples(6, 4);
  examples.y = Tensor({6, 4}, Dtype::i32);
  examples.mask = Tensor({6, 4}, Dtype::u8);
  examples.sample_weights = Tensor({6, 4});
  for (std::size_t i = 0; i < 24; ++i) {
    examples.mask.as<std::uint8_t>()[i] = i % 3 == 0 ? 0 : 1;
    examples.sample_weights.data()[i] = i % 2 == 0 ? 2.0F : 0.5F;
  }
  const Logs logs = model.evaluate(examples);
  for (std::size_t i = 0; i < 24; i += 3) {
    examples.y.as<std::int32_t>()[i] = 1;
    examples.sample_weights.data()[i] = 100.0F;
  }
  EXPECT_EQ(model.evaluate(examples), logs);
  examples.sample_weights.data()[1] = 0.0F;
  const Logs lighter = model.evaluate(examples);
  EXPECT_LT(lighter.at("loss"), logs.at("loss"));
  EXPECT_EQ(lighter.at("accuracy"), logs.at("accuracy"));
}

TEST(Epochs, loss_weighs_batches_by_their_examples) {
  Sequential model = sign_model();
  // Too small a step to change f32.
  model.optimizer()->set_learning_rate(1e-30);
  Examples examples = four_examples();
  FitOptions options;
  options.batch_size = 3;
  options.shuffle = false;
  EXPECT_NEAR(model.fit(examples, options).epochs[0].at("loss"), (2 * right + 2 * wrong) / 4, 1e-6);
  EXPECT_NEAR(model.evaluate(examples, 3).at("loss"), (2 * right + 2 * wrong) / 4, 1e-6);
}

TEST(Epochs, validation_split_takes_the_last_examples) {
  const Examples examples = sign_examples(50, 3);
  FitOptions options;
  options.validation_split = 0.3;
  options.epochs = 2;
  Sequential one = small_model();
  const History history = one.fit(examples, options);
  const ExamplesSplit split = split_examples(examples, 0.3);
  options.validation_split = 0;
  options.validation_data = &split.validation;
  Sequential other = small_model();
  EXPECT_EQ(other.fit(split.training, options).epochs, history.epochs);
  ExamplesSource source(split.validation, {32, false, 0});
  options.validation_data = nullptr;
  options.validation_source = &source;
  Sequential third = small_model();
  EXPECT_EQ(third.fit(split.training, options).epochs, history.epochs);
}

TEST(Epochs, are_counted_and_cut_as_asked) {
  const Examples examples = sign_examples(50, 3);
  std::ostringstream text;
  FitOptions options;
  options.batch_size = 10;
  options.initial_epoch = 2;
  options.epochs = 6;
  options.steps_per_epoch = 3;
  options.validation_freq = 2;
  options.validation_data = &examples;
  options.progress = &text;
  Sequential model = small_model();
  const History history = model.fit(examples, options);
  ASSERT_EQ(history.epochs.size(), 4U);
  EXPECT_EQ(model.updates_done(), 12);
  EXPECT_EQ(model.epochs_done(), 4);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(history.epochs[i].contains("val_loss"), i % 2 == 1) << i;
  EXPECT_TRUE(text.str().starts_with("Epoch 3/6\n3/3 - ")) << text.str();
  EXPECT_FALSE(history.stopped);
}

TEST(Epochs, end_where_the_hook_says) {
  const Examples examples = sign_examples(50, 3);
  std::ostringstream text;
  FitOptions options;
  options.batch_size = 10;
  options.epochs = 3;
  options.progress = &text;
  Sequential model = small_model();
  options.stop = [&] {
    return model.updates_done() == 7;
  };
  const History history = model.fit(examples, options);
  EXPECT_TRUE(history.stopped);
  EXPECT_EQ(history.epochs.size(), 1U);
  EXPECT_EQ(model.updates_done(), 7);
  EXPECT_NE(text.str().find("\nEpoch 2/3\n2/5 - "), std::string::npos) << text.str();
  EXPECT_EQ(text.str().back(), '\n');
  options.stop = nullptr;
  options.epochs = 1;
  EXPECT_EQ(model.fit(examples, options).epochs.size(), 1U) << "a new fit is a new one";
}

TEST(Sources, give_what_examples_give) {
  const Examples examples = sign_examples(50, 3);
  FitOptions options;
  options.epochs = 2;
  options.batch_size = 16;
  options.seed = 9;
  Sequential one = small_model();
  const History history = one.fit(examples, options);
  ExamplesSource source(examples, {16, true, 9});
  Sequential other = small_model();
  EXPECT_EQ(other.fit(source, options).epochs, history.epochs);
  EXPECT_EQ(all_weights(one), all_weights(other));
  EXPECT_EQ(one.seed(), 9U);
  ExamplesSource plain(examples, {16, false, 0});
  EXPECT_EQ(other.evaluate(plain), one.evaluate(examples, 16));
  const Tensor y = one.predict(examples.x);
  const Tensor z = other.predict(plain);
  EXPECT_EQ(y.shape(), z.shape());
  EXPECT_TRUE(std::ranges::equal(y.as<float>(), z.as<float>()));
  const Tensor at_once = one.predict_on_batch(examples.x);
  EXPECT_TRUE(std::ranges::equal(y.as<float>(), at_once.as<float>()));
}

TEST(Predict, gives_the_steps_it_is_given_whatever_the_model_was_built_for) {
  Sequential model(parse_model_json(nlohmann::json::parse(R"({"layers": [
      {"class_name": "LSTM", "config": {"units": 3, "return_sequences": true}}]})")));
  model.build({4, 2});
  EXPECT_EQ(model.predict(sign_examples(5, 9).x, {}, 2).shape(), (Shape{5, 9, 3}));
  EXPECT_EQ(model.predict(Tensor({0, 4, 2})).shape(), (Shape{0, 4, 3}));
  EXPECT_EQ(model.predict(Tensor({0, 9, 2})).shape(), (Shape{0, 9, 3}));
  const Examples none{Tensor({0, 4, 2}), Tensor({0}, Dtype::i32)};
  ExamplesSource empty(none);
  EXPECT_EQ(model.predict(empty).shape(), (Shape{0, 4, 3}));
}

TEST(Evaluate, refuses_to_say_what_no_examples_cost) {
  Sequential model = small_model();
  const Examples some = sign_examples(4, 3);
  model.fit(some);
  const Examples none{Tensor({0, 3, 2}), Tensor({0}, Dtype::i32)};
  ExamplesSource empty(none);
  const std::string of_all = model.name() + ".evaluate: expected at least one example, got none";
  EXPECT_EQ(error_text([&] { model.evaluate(none); }), of_all);
  EXPECT_EQ(error_text([&] { model.evaluate(empty); }), of_all);
  EXPECT_EQ(error_text([&] { model.fit(some, {.validation_data = &none}); }),
            "validation_data: expected from 1 up, got 0");
  const char* of_batch = "batch.x: expected at least one example, got none";
  EXPECT_EQ(error_text([&] { model.test_on_batch(none); }), of_batch);
  EXPECT_EQ(error_text([&] { model.train_on_batch(none); }), of_batch);
}

TEST(FitOptions, out_of_range_are_named) {
  const Examples examples = sign_examples(10, 3);
  ExamplesSource source(examples);
  Sequential model = small_model();
  const auto error_of = [&](auto change) {
    FitOptions options;
    change(options);
    return error_text(ErrorCode::invalid_argument, [&] { model.fit(examples, options); });
  };
  EXPECT_EQ(error_of([](FitOptions& o) { o.validation_split = 1; }),
            "validation_split: expected from 0 up to below 1, got 1");
  EXPECT_EQ(error_of([&](FitOptions& o) {
              o.validation_split = 0.5;
              o.validation_source = &source;
            }),
            "validation: expected one of validation_split, validation_data, validation_source, got "
            "validation_split, validation_source");
  EXPECT_EQ(error_of([](FitOptions& o) { o.validation_freq = 0; }),
            "validation_freq: expected from 1 up, got 0");
  EXPECT_EQ(error_of([](FitOptions& o) { o.initial_epoch = -1; }),
            "initial_epoch: expected from 0 up, got -1");
  EXPECT_EQ(error_of([](FitOptions& o) { o.steps_per_epoch = -1; }),
            "steps_per_epoch: expected from 0 up, got -1");
  EXPECT_EQ(error_of([](FitOptions& o) { o.class_weight[3] = NAN; }),
            "class_weight[3]: expected a finite number, got nan");
  EXPECT_EQ(error_of([](FitOptions& o) { o.checkpoint = CheckpointOptions{.prefix = "x", .keep = 0}; }),
            "checkpoints.keep: expected from 1 up, got 0");
  EXPECT_EQ(
      error_of([](FitOptions& o) { o.checkpoint = CheckpointOptions{.prefix = "x", .every_minutes = -1}; }),
      "checkpoint.every_minutes: expected a finite number from 0 up, got -1");
  FitOptions options;
  options.validation_split = 0.5;
  EXPECT_EQ(error_text([&] { model.fit(source, options); }),
            "validation_split: expected validation_data or validation_source beside a batch source, got "
            "0.5");
  EXPECT_EQ(error_text(ErrorCode::io,
                       [&] {
                         FitOptions o;
                         o.checkpoint = CheckpointOptions{.prefix = "/no such folder/x"};
                         model.fit(examples, o);
                       }),
            "/no such folder: expected a folder that exists, got No such file or directory");
}

/// A source as a user may write it, with one batch that is wrong.
class OneBatch : public BatchSource {
 public:
  Batch batch;
  bool given = false;

  void begin_epoch(i64) override { given = false; }

  bool next(Batch& out) override {
    out = batch;
    return !std::exchange(given, true);
  }

  [[nodiscard]] i64 batches() const override { return 0; }
};

TEST(Sources, that_give_wrong_batches_are_refused) {
  Sequential model = small_model();
  OneBatch source;
  const Examples examples = sign_examples(4, 3);
  source.batch = {examples.x, examples.y};
  model.fit(source);
  EXPECT_EQ(model.updates_done(), 1);
  source.batch.y = Tensor({3}, Dtype::i32);
  EXPECT_EQ(error_text([&] { model.fit(source); }),
            "batch.y: expected (4, ...), a target for each example, got (3,)");
  source.batch = {examples.x, examples.y};
  source.batch.mask = Tensor({4, 2}, Dtype::u8);
  EXPECT_EQ(error_text([&] { model.fit(source); }), "batch.mask: expected shape (4, 3), got (4, 2)");
  source.batch.mask = Tensor({4, 3});
  EXPECT_EQ(error_text([&] { model.evaluate(source); }), "batch.mask: expected u8, got f32");
  source.batch.mask = Tensor({4, 3}, Dtype::u8);
  source.batch.lengths = {1, 2, 3, 3};
  EXPECT_EQ(error_text([&] { model.evaluate(source); }), "batch.mask: expected lengths or a mask, got both");
  source.batch.mask = Tensor();
  source.batch.lengths = {1, 2};
  EXPECT_EQ(error_text([&] { model.predict(source); }), "batch.lengths: expected 4 lengths, got 2");
  source.batch = {examples.x, examples.y, {}, Tensor({4, 3})};
  EXPECT_EQ(error_text([&] { model.fit(source); }),
            "sample_weight: expected shape (4,) or (4, 1), got (4, 3)");
  source.batch = {Tensor({4}), examples.y};
  EXPECT_EQ(error_text([&] { model.predict(source); }),
            "batch.x: expected (examples, ..., features) or (examples, steps), got (4,)");
  const Examples none{Tensor({0, 3, 2}), Tensor({0}, Dtype::i32)};
  ExamplesSource empty(none);
  EXPECT_EQ(error_text([&] { model.fit(empty); }), "source: expected at least one batch, got none");
}

TEST(ModelWeights, are_taken_all_or_none) {
  Sequential model = sign_model();
  const std::vector<Tensor> weights = model.get_weights();
  ASSERT_EQ(weights.size(), 2U);
  EXPECT_EQ(model.count_params(), 4);
  EXPECT_EQ(error_text([&] {
              model.set_weights({Tensor({1, 2})});
            }),
            "sequential.set_weights: expected 2 weights, got 1");
  EXPECT_EQ(error_text([&] {
              model.set_weights({Tensor({1, 2}), Tensor({3})});
            }),
            "weights[1] for bias: expected shape (2,), got (3,)");
  EXPECT_EQ(error_text([&] {
              model.set_weights({Tensor({1, 2}), Tensor({2}, Dtype::i32)});
            }),
            "weights[1] for bias: expected f32, got i32");
  EXPECT_TRUE(std::ranges::equal(model.get_weights()[0].as<float>(), weights[0].as<float>()));
  EXPECT_EQ(&model.get_layer("dense"), model.layers()[0].get());
  EXPECT_EQ(error_text([&] { model.get_layer("dence"); }),
            "sequential.get_layer \"dence\": supported are dense");
  EXPECT_EQ(error_text([&] { Sequential(parse_model("dense:2")).count_params(); }),
            "sequential.count_params: expected a built model, got one without weights");
}

}  // namespace

}  // namespace recurra::test
