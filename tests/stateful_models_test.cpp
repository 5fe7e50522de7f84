/// Models with stateful layers: states over batches, epochs and calls, and in checkpoints.
#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "tests/support/layer_gradients.h"
#include "tests/support/small_models.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

constexpr const char* layers = R"([
    {"class_name": "LSTM", "config": {"units": 3, "stateful": true, "return_sequences": true}},
    {"class_name": "Bidirectional",
     "config": {"layer": {"class_name": "GRU", "config": {"units": 2, "stateful": true}}}},
    {"class_name": "Dense", "config": {"units": 2}}])";

Sequential stateful_model() {
  Sequential model(parse_model_json({{"layers", nlohmann::json::parse(layers)}}));
  model.compile(make_optimizer("adam", 0.02), make_loss("sparse_categorical_crossentropy"));
  model.set_threads(1);
  return model;
}

std::vector<float> all_states(const Sequential& model) {
  std::vector<float> all;
  for (const auto& layer : model.layers()) {
    if (!layer->stateful()) continue;
    for (const Tensor& state : layer->states()) {
      const auto values = state.as<float>();
      all.insert(all.end(), values.begin(), values.end());
    }
  }
  return all;
}

FitOptions options_of(i64 epochs) {
  FitOptions options;
  options.batch_size = 4;
  options.epochs = epochs;
  options.seed = 7;
  options.shuffle = false;
  return options;
}

bool equal(const Tensor& a, const Tensor& b) {
  return std::ranges::equal(a.as<float>(), b.as<float>());
}

TEST(StatefulModels, go_on_over_batches_epochs_and_calls_until_they_are_reset) {
  const Examples examples = sign_examples(12, 3);
  Sequential by_fit = stateful_model();
  by_fit.fit(examples, options_of(2));
  Sequential by_hand = stateful_model();
  by_hand.build({3, 2}, 7);
  for (int update = 0; update < 6; ++update) {
    Examples batch{Tensor({4, 3, 2}), Tensor({4}, Dtype::i32), {}};
    std::copy_n(examples.x.data() + (update % 3) * 24, 24, batch.x.data());
    std::copy_n(
        examples.y.as<std::int32_t>().data() + (update % 3) * 4, 4, batch.y.as<std::int32_t>().data());
    by_hand.train_on_batch(batch);
  }
  EXPECT_EQ(all_states(by_fit).size(), std::size_t(4 * (3 + 3 + 2 + 2)));
  EXPECT_EQ(all_states(by_fit), all_states(by_hand));
  EXPECT_EQ(all_weights(by_fit), all_weights(by_hand));
  // From fit to predict, and from predict to predict.
  Sequential fresh = stateful_model();
  fresh.build({3, 2}, 7);
  fresh.set_weights(by_fit.get_weights());
  const Tensor x = normal({8, 3, 2}, 1);
  const Tensor first = by_fit.predict(x, {}, 4);
  EXPECT_FALSE(equal(first, fresh.predict(x, {}, 4)));
  EXPECT_FALSE(equal(first, by_fit.predict(x, {}, 4)));
  by_fit.reset_states();
  fresh.reset_states();
  EXPECT_TRUE(equal(by_fit.predict(x, {}, 4), fresh.predict(x, {}, 4)));
  by_hand.evaluate(examples, 4);
  EXPECT_NE(all_states(by_fit), all_states(by_hand));
}

TEST(StatefulModels, refuse_a_batch_of_another_size) {
  Sequential model = stateful_model();
  const std::string text = "lstm.input: expected a batch of 4 as the states it goes on from, got 2";
  EXPECT_EQ(error_text(ErrorCode::shape, [&] { model.fit(sign_examples(10, 3), options_of(1)); }), text);
  EXPECT_EQ(error_text(ErrorCode::shape,
                       [&] {
                         static_cast<void>(model.predict(normal({2, 3, 2}, 1)));
                       }),
            text);
  model.reset_states();
  EXPECT_EQ(model.predict(normal({2, 3, 2}, 1)).shape(), (Shape{2, 2}));
  small_model().reset_states();  // no stateful layer, nothing to do
}

/// A step that saw what is not finite is no part of the sequence.
TEST(StatefulModels, keep_their_states_where_no_update_was_made) {
  const Examples good = sign_examples(4, 3);
  Examples bad = sign_examples(4, 3);
  bad.x.data()[5] = NAN;
  Sequential model = stateful_model();
  model.fit(good, options_of(1));
  const std::vector<float> states = all_states(model);
  EXPECT_THROW(model.train_on_batch(bad), Error);
  EXPECT_EQ(all_states(model), states);
  FitOptions options = options_of(1);
  options.on_non_finite = NonFinitePolicy::skip_step;
  EXPECT_EQ(model.fit(bad, options).skipped_updates, 1);
  EXPECT_EQ(all_states(model), states);
}

/// Dropout, validation and the order of batches as ever: the states are in the checkpoint.
TEST(StatefulModels, that_are_resumed_go_on_with_the_same_bits) {
  const Examples examples = sign_examples(12, 3);
  const Examples validation = sign_examples(8, 3);
  FitOptions options = options_of(2);
  options.validation_data = &validation;
  Sequential whole = stateful_model();
  const History history = whole.fit(examples, options);
  for (i64 count = 1; count <= 5; ++count) {
    SCOPED_TRACE(count);
    const TemporaryFolder folder;
    Sequential stopped = stateful_model();
    FitOptions until = options;
    until.checkpoint = CheckpointOptions{.prefix = folder / "run"};
    until.stop = [&] {
      return stopped.updates_done() == count;
    };
    stopped.fit(examples, until);
    Sequential again = Sequential::resume(folder / "run");
    again.set_threads(1);
    EXPECT_EQ(all_states(again), all_states(stopped));
    EXPECT_EQ(again.fit(examples, options).epochs.back(), history.epochs.back());
    EXPECT_EQ(whole_state(again), whole_state(whole));
    EXPECT_EQ(all_states(again), all_states(whole));
  }
}

TEST(StatefulModels, have_no_states_in_a_model_file) {
  const TemporaryFolder folder;
  Sequential model = stateful_model();
  model.fit(sign_examples(4, 3), options_of(1));
  model.save(folder / "model.safetensors");
  const Sequential again = Sequential::load(folder / "model.safetensors");
  EXPECT_TRUE(all_states(again).empty());
  EXPECT_EQ(all_weights(again), all_weights(model));
  // A checkpoint that is loaded for its weights alone leaves them out.
  FitOptions options = options_of(2);
  options.checkpoint = CheckpointOptions{.prefix = folder / "run"};
  options.stop = [] {
    return true;
  };
  model.fit(sign_examples(4, 3), options);
  const Sequential weights =
      Sequential::load(folder / "run-00000002.safetensors", LoadOptions{.compile = false});
  EXPECT_TRUE(all_states(weights).empty());
  EXPECT_EQ(all_weights(weights), all_weights(model));
}

}  // namespace

}  // namespace recurra::test
