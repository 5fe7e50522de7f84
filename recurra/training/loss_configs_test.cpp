/// Losses by name and by the configs in which they are kept.
#include <map>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/training/losses.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

using Json = nlohmann::json;

TEST(LossConfigs, go_there_and_back) {
  const std::shared_ptr<Loss> losses[] = {
      std::make_shared<SparseCategoricalCrossentropy>(SparseCategoricalCrossentropyOptions{false, 7}),
      std::make_shared<SparseCategoricalCrossentropy>(),
      std::make_shared<CategoricalCrossentropy>(CrossentropyOptions{false, 0.25}),
      std::make_shared<BinaryCrossentropy>(CrossentropyOptions{true, 0.125}),
      std::make_shared<MeanSquaredError>(),
      std::make_shared<MeanAbsoluteError>(),
      std::make_shared<Huber>(HuberOptions{2.5})};
  for (const auto& loss : losses) {
    const std::unique_ptr<Loss> again = make_loss_from_config(loss->config());
    EXPECT_EQ(again->config(), loss->config());
    EXPECT_STREQ(again->name(), loss->name());
    EXPECT_EQ(again->from_logits(), loss->from_logits());
  }
  EXPECT_EQ(losses[0]->config().dump(),
            R"({"class_name":"SparseCategoricalCrossentropy","config":{"from_logits":false,"ignore_class":7,)"
            R"("name":"sparse_categorical_crossentropy","reduction":"sum_over_batch_size"}})");
  EXPECT_EQ(
      losses[6]->config().dump(),
      R"({"class_name":"Huber","config":{"delta":2.5,"name":"huber","reduction":"sum_over_batch_size"}})");
}

TEST(LossConfigs, of_keras_are_read) {
  const Json config = Json::parse(R"({"module": "keras.losses", "class_name": "SparseCategoricalCrossentropy",
      "config": {"name": "sparse_categorical_crossentropy", "reduction": "sum_over_batch_size",
                 "from_logits": true, "ignore_class": null}, "registered_name": null})");
  EXPECT_TRUE(make_loss_from_config(config)->from_logits());
  EXPECT_STREQ(make_loss_from_config(Json("mse"))->name(), "mean_squared_error");
}

TEST(LossConfigs, what_is_wrong_is_named) {
  const auto text = [](const char* json) {
    return error_text([&] { make_loss_from_config(Json::parse(json)); });
  };
  EXPECT_EQ(text("3"), "loss: expected an object with a string \"class_name\", got 3");
  EXPECT_EQ(text(R"({"class_name": "Huber", "config": 3})"), "Huber.config: expected a JSON object, got 3");
  EXPECT_EQ(text(R"({"class_name": "Huber", "config": {"delta": "a"}})"),
            "Huber.delta: expected a number, got \"a\"");
  EXPECT_EQ(text(R"({"class_name": "BinaryCrossentropy", "config": {"label_smoothing": 0.0}})"),
            "BinaryCrossentropy.from_logits: expected true or false, got nothing");
  EXPECT_EQ(text(R"({"class_name": "BinaryCrossentropy", "config": {"from_logits": 1}})"),
            "BinaryCrossentropy.from_logits: expected true or false, got 1");
  EXPECT_EQ(text(R"({"class_name": "MeanSquaredError", "config": {"reduction": "sum"}})"),
            "MeanSquaredError.reduction \"sum\": supported are sum_over_batch_size");
  EXPECT_EQ(text(R"({"class_name": "Huber", "config": {"epsilon": 1}})"),
            R"(Huber argument "epsilon": supported are delta, dtype, name, reduction)");
  EXPECT_EQ(text(R"({"class_name": "SparseCategoricalCrossentropy",
                     "config": {"from_logits": true, "ignore_class": 3000000000}})"),
            "SparseCategoricalCrossentropy.ignore_class: expected an integer of 32 bits, got 3000000000");
  EXPECT_EQ(text(R"({"class_name": "CTC"})"),
            "loss \"CTC\": supported are sparse_categorical_crossentropy, categorical_crossentropy, "
            "binary_crossentropy (bce), mean_squared_error (mse), mean_absolute_error (mae), huber");
}

TEST(LossNames, are_those_of_keras) {
  for (const auto& [name, full] :
       std::map<std::string, std::string>{{"mse", "mean_squared_error"},
                                          {"MeanSquaredError", "mean_squared_error"},
                                          {"mae", "mean_absolute_error"},
                                          {"bce", "binary_crossentropy"},
                                          {"huber", "huber"},
                                          {"Huber", "huber"}}) {
    EXPECT_EQ(make_loss(name)->name(), full);
  }
  for (const char* name :
       {"sparse_categorical_crossentropy", "categorical_crossentropy", "binary_crossentropy"}) {
    EXPECT_TRUE(make_loss(name)->from_logits()) << name;
  }
  EXPECT_FALSE(make_loss("mse")->from_logits());
  EXPECT_THROW(make_loss(""), Error);
}

}  // namespace

}  // namespace recurra::test
