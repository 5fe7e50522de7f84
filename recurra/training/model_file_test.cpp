/// Model files of version 2: what they keep beside weights, and what is refused.
#include <cmath>
#include <limits>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/base/file.h"
#include "recurra/formats/safetensors.h"
#include "recurra/training/sequential.h"
#include "recurra/training/training_record.h"
#include "tests/support/small_models.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

class TrainedFile : public testing::Test {
 protected:
  void SetUp() override {
    model_.fit(examples_);
    model_.save(path_);
  }

  /// The text, with FILE for the path, of loading the file over again with the table changed.
  template <class Change>
  std::string error_with(Change change) {
    WeightTable table = read_safetensors(path_);
    change(table);
    const std::filesystem::path path = folder_ / "changed.safetensors";
    write_safetensors(path, table);
    std::string text = error_text([&] { Sequential::load(path); });
    const std::size_t at = text.find(path.string());
    return at == std::string::npos ? text : text.replace(at, path.string().size(), "FILE");
  }

  /// The same with a member of the training's JSON changed.
  std::string error_with_training(const char* pointer, const nlohmann::json& value) {
    return error_with([&](WeightTable& table) {
      auto json = nlohmann::json::parse(table.metadata("training"));
      json[nlohmann::json::json_pointer(pointer)] = value;
      table.set_metadata("training", json.dump());
    });
  }

  TemporaryFolder folder_{parent_in_memory()};
  std::filesystem::path path_ = folder_ / "model.safetensors";
  Examples examples_ = sign_examples(40, 3);
  Sequential model_ = small_model("rmsprop", "lstm:2,dense:2");
};

TEST_F(TrainedFile, keeps_what_compile_was_given) {
  Sequential model = small_model("sgd", "dense:2");
  model.compile(std::make_unique<Sgd>(SgdOptions{.learning_rate = 0.3, .momentum = 0.5}),
                std::make_unique<CategoricalCrossentropy>(CrossentropyOptions{true, 0.125}),
                {"mse", "accuracy"},
                {"mae"});
  model.build({4}, 11);
  model.save(path_);
  const Sequential again = Sequential::load(path_);
  EXPECT_EQ(again.optimizer()->config(), model.optimizer()->config());
  EXPECT_EQ(again.seed(), 11U);
  Examples batch{Tensor({2, 4}), Tensor({2, 2})};
  batch.x.data()[0] = 1;
  batch.y.data()[1] = 1;
  Sequential third = Sequential::load(path_);
  EXPECT_EQ(third.test_on_batch(batch), model.test_on_batch(batch));
  EXPECT_EQ(third.test_on_batch(batch).size(), 4U);
  EXPECT_EQ(third.train_on_batch(batch), model.train_on_batch(batch));
  EXPECT_EQ(whole_state(third), whole_state(model));
}

TEST_F(TrainedFile, names_the_optimizer_s_state_by_its_place) {
  const WeightTable table = read_safetensors(path_);
  EXPECT_TRUE(table.contains("optimizer/lstm/recurrent_kernel/velocity"));
  EXPECT_EQ(table.metadata("format_version"), "2");
  EXPECT_EQ(error_with([](WeightTable& t) {
              WeightTable other;
              for (const auto& [name, tensor] : t.entries()) {
                if (name != "optimizer/dense/bias/velocity") other.add(name, tensor);
              }
              for (const auto& [key, value] : t.metadata()) other.set_metadata(key, value);
              other.add("optimizer/dense/bias/momentum", Tensor({2}));
              t = other;
            }),
            "FILE: expected the tensors of its architecture, got missing optimizer/dense/bias/velocity; "
            "unexpected optimizer/dense/bias/momentum");
  EXPECT_EQ(error_with([](WeightTable& t) { t.at("optimizer/dense/bias/velocity") = Tensor({3}); }),
            "FILE: optimizer/dense/bias/velocity: expected shape (2,), got (3,)");
}

TEST_F(TrainedFile, keeps_a_user_s_texts_apart_from_its_own) {
  model_.set_metadata("data", "columns a, b");
  model_.set_metadata("model", "not the architecture");
  model_.save(path_);
  EXPECT_EQ(Sequential::load(path_).metadata(), model_.metadata());
  EXPECT_EQ(read_safetensors(path_).metadata("user.data"), "columns a, b");
}

TEST_F(TrainedFile, without_the_optimizer_is_not_compiled) {
  const auto size = std::filesystem::file_size(path_);
  model_.save(path_, {.include_optimizer = false});
  EXPECT_LT(std::filesystem::file_size(path_), size);
  Sequential again = Sequential::load(path_);
  EXPECT_EQ(all_weights(again), all_weights(model_));
  EXPECT_EQ(again.updates_done(), 2);
  EXPECT_EQ(error_text([&] { again.fit(examples_); }),
            "sequential: expected a compiled model: call compile first, got one not compiled");
}

TEST_F(TrainedFile, can_be_read_without_compiling) {
  const Sequential again = Sequential::load(path_, {.compile = false});
  EXPECT_EQ(all_weights(again), all_weights(model_));
  EXPECT_EQ(again.optimizer(), nullptr);
}

TEST_F(TrainedFile, weights_that_are_not_finite_never_replace_a_good_file) {
  const std::string before = read_file(path_);
  model_.parameters()[2]->value.data()[5] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(error_text(ErrorCode::non_finite, [&] { model_.save(path_); }),
            path_.string() + ": lstm/bias: expected finite weights, got inf at element 5");
  EXPECT_EQ(read_file(path_), before);
}

TEST_F(TrainedFile, weights_that_are_not_finite_are_not_taken_from_a_file) {
  for (const float value :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    EXPECT_EQ(error_with([=](WeightTable& t) { t.at("lstm/bias").as<float>()[5] = value; }),
              "FILE: lstm/bias: expected finite weights, got " + std::to_string(value) + " at element 5");
  }
}

TEST_F(TrainedFile, wrong_words_on_training_are_named) {
  EXPECT_EQ(error_with([](WeightTable& t) { t.set_metadata("training", "3"); }),
            "FILE: training: expected a JSON object, got something else");
  EXPECT_EQ(error_with_training("/seed", -1), "FILE: training.seed: expected an integer from 0 up, got -1");
  EXPECT_EQ(error_with_training("/epochs_done", std::uint64_t{1} << 63),
            "FILE: training.epochs_done: expected below 2^62, got 9223372036854775808");
  EXPECT_EQ(error_with_training("/compile", 1), "FILE: training.compile: expected an object, got 1");
  EXPECT_EQ(error_with_training("/compile/metrics", {3}),
            "FILE: training.compile.metrics: expected strings, got 3");
  EXPECT_EQ(error_with_training("/compile/weighted_metrics", "mse"),
            "FILE: training.compile.weighted_metrics: expected a list, got \"mse\"");
  EXPECT_EQ(error_with_training("/compile/optimizer/class_name", "Lion"),
            "optimizer \"Lion\": supported are sgd, rmsprop, adam, adamw");
  EXPECT_EQ(error_with_training("/run", {{"settings", 1}}),
            "FILE: training.run.settings: expected an object, got 1");
}

TEST_F(TrainedFile, json_of_too_many_levels_is_refused) {
  const std::string deep = R"({"a":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  for (const char* key : {"model", "training"}) {
    EXPECT_EQ(error_with([&](WeightTable& t) { t.set_metadata(key, deep); }),
              std::string("FILE: ").append(key).append(
                  ": expected JSON of at most 64 levels of lists and objects, got more"));
  }
}

TEST_F(TrainedFile, cut_or_changed_at_any_byte_is_refused_by_name) {
  Sequential tiny = small_model("sgd", "dense:1");
  tiny.build({1});
  tiny.save(path_);
  const std::string bytes = read_file(path_);
  ASSERT_LT(bytes.size(), 3000U);
  const auto expect_refused = [&](std::size_t place) {
    const std::string text = error_text([&] { Sequential::load(path_); });
    EXPECT_TRUE(text.starts_with(path_.string())) << place << ": " << text;
  };
  for (std::size_t place = 0; place < bytes.size(); ++place) {
    set_byte(path_, place, char(bytes[place] ^ 1 << place % 8));
    expect_refused(place);
    set_byte(path_, place, bytes[place]);
  }
  EXPECT_EQ(read_file(path_), bytes);
  for (std::size_t size = bytes.size(); size-- > 0;) {
    std::filesystem::resize_file(path_, size);
    expect_refused(size);
  }
}

TEST(TrainingRecord, keeps_sums_that_are_not_finite) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  TrainingRecord record;
  record.run = RunState{3, 4, {infinity, 0.1}, {{-infinity, 1.0 / 3.0}}, "{}"};
  const TrainingRecord again =
      parse_training_record(nlohmann::json::parse(to_json(record).dump()), "training");
  EXPECT_EQ(again.run->loss, record.run->loss);
  EXPECT_EQ(again.run->metrics, record.run->metrics);
  record.run->loss.sum = NAN;
  EXPECT_TRUE(std::isnan(parse_training_record(to_json(record), "training").run->loss.sum));
}

}  // namespace

}  // namespace recurra::test
