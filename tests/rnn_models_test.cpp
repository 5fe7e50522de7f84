/// RNN in models: from configs, and trained.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/layers/dense.h"
#include "recurra/layers/model_spec.h"
#include "recurra/layers/rnn.h"
#include "recurra/training/sequential.h"
#include "tests/support/layer_gradients.h"
#include "tests/support/user_cells.h"

namespace recurra::test {
namespace {

using Json = nlohmann::json;

std::string error_of_layer(const Json& config) {
  try {
    static_cast<void>(make_layer({"RNN", config.dump()}));
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(RnnModels, configs_make_the_layer_again) {
  const Json lstm = {{"class_name", "LSTMCell"},
                     {"config", {{"name", "first"}, {"units", 3}, {"dropout", 0.25}}}};
  const Json gru = {{"class_name", "GRUCell"}, {"config", {{"units", 2}, {"reset_after", false}}}};
  const Json simple = {{"class_name", "SimpleRNNCell"}, {"config", {{"units", 4}, {"activation", "relu"}}}};
  const Json stack = {{"class_name", "StackedRNNCells"}, {"config", {{"cells", {lstm, gru, simple}}}}};
  for (const Json& cell : {lstm, gru, simple, stack}) {
    const auto layer = make_layer(
        {"RNN",
         Json{{"name", "one"}, {"cell", cell}, {"return_sequences", true}, {"stateful", true}}.dump()});
    const Json config = layer->config();
    EXPECT_EQ(config.at("cell").at("class_name"), cell.at("class_name"));
    EXPECT_EQ(make_layer({"RNN", config.dump()})->config(), config);
    Random random(1);
    EXPECT_EQ(layer->build({5, 6}, random).rank(), 2);
  }
  const auto layer = make_layer({"RNN", Json{{"cell", lstm}}.dump()});
  EXPECT_EQ(layer->config().at("cell").at("config").at("units"), 3);
  EXPECT_EQ(layer->config().at("cell").at("config").at("name"), "first");
  EXPECT_FALSE(layer->config().at("cell").at("config").contains("return_sequences"));
}

TEST(RnnModels, configs_that_are_none_are_errors) {
  EXPECT_EQ(error_of_layer({{"cell", {{"class_name", "MyCell"}, {"config", Json::object()}}}}),
            "RNN.cell \"MyCell\": supported are LSTMCell, GRUCell, SimpleRNNCell, StackedRNNCells");
  EXPECT_THAT(error_of_layer(
                  {{"cell", {{"class_name", "LSTMCell"}, {"config", {{"units", 3}, {"stateful", true}}}}}}),
              testing::StartsWith("lstm_cell: expected options of a cell, got "));
  EXPECT_THAT(error_of_layer({{"cell", {{"class_name", "StackedRNNCells"}, {"config", {{"cells", 3}}}}}}),
              testing::HasSubstr("expected a list, got 3"));
  EXPECT_NE(error_of_layer(Json::object()), "no error");
}

TEST(RnnModels, a_users_cell_learns_in_a_model) {
  Sequential model;
  model.add(std::make_unique<Rnn>(std::make_unique<OneStateCell>(4)));
  model.add(std::make_unique<Dense>(DenseOptions{.units = 2}));
  model.compile(make_optimizer("adam"), make_loss("mean_squared_error"), {});
  Tensor x = normal({32, 3, 5}, 1);
  for (float& value : x.as<float>()) value *= 0.1F;
  const Tensor y = normal({32, 2}, 2);
  const double before = model.train_on_batch(x, y);
  double after = 0;
  for (int i = 0; i < 50; ++i) after = model.train_on_batch(x, y);
  EXPECT_LT(after, 0.9 * before);
}

}  // namespace
}  // namespace recurra::test
