/// What Keras 1 and 2 meant by the same words.
#include "recurra/layers/keras2.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/layers/gru.h"
#include "recurra/layers/model_spec.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

using Json = nlohmann::json;

/// A model as to_json writes it, with one layer and further members at the top.
Json document(const std::string& layer, const std::string& members = "") {
  return Json::parse(R"({"class_name": "Sequential", "config": {"layers": [)" + layer + "]}" + members + "}");
}

/// The config of that model's only layer once it is made.
Json config_of_layer(const std::string& layer, const std::string& members = "") {
  return make_layer(parse_model_json(document(layer, members)).layers.at(0))->config();
}

constexpr const char* hard_sigmoid =
    R"({"class_name": "Activation", "config": {"activation": "hard_sigmoid"}})";
constexpr const char* version_2 = R"(, "keras_version": "2.15.0")";

/// What the layer makes of x in a model with those members.
float output_of(const std::string& layer, const std::string& members, float value) {
  Random random(1);
  const auto made = make_layer(parse_model_json(document(layer, members)).layers.at(0));
  made->build({1}, random);
  Tensor x({1, 1});
  x.data()[0] = value;
  Context context;
  return made->forward(x, context).data()[0];
}

float hard_sigmoid_of_1(const std::string& layer, const std::string& members) {
  return output_of(layer, members, 1.0F);
}

bool has_slope_of_keras2(const Json& activation) {
  return activation.is_object() && activation["class_name"] == "hard_sigmoid" &&
         activation["config"] == Json{{"alpha", 0.2}, {"beta", 0.5}};
}

TEST(Keras2, hard_sigmoid_has_the_slope_of_the_version_that_wrote_it) {
  for (const char* version : {"1.2.2", "2.1.6-tf", "2.15.0"}) {
    const std::string members = std::string(R"(, "keras_version": ")").append(version).append("\"");
    EXPECT_NEAR(hard_sigmoid_of_1(hard_sigmoid, members), 0.7F, 1e-6F) << version;
  }
  for (const char* members : {"", R"(, "keras_version": "3.15.1")", R"(, "keras_version": "20.0")"})
    EXPECT_NEAR(hard_sigmoid_of_1(hard_sigmoid, members), 1.0F / 6 + 0.5F, 1e-6F) << members;
  EXPECT_NEAR(hard_sigmoid_of_1(R"({"class_name": "Activation", "config": {"activation":
                  {"class_name": "function", "config": "hard_sigmoid"}}})",
                                version_2),
              0.7F,
              1e-6F);
}

TEST(Keras2, hard_sigmoid_ends_at_two_and_a_half) {
  EXPECT_EQ(output_of(hard_sigmoid, version_2, -2.5F), 0.0F);
  EXPECT_EQ(output_of(hard_sigmoid, version_2, 2.6F), 1.0F);
}

TEST(Keras2, numbers_beside_a_hard_sigmoid_stay) {
  EXPECT_NEAR(hard_sigmoid_of_1(R"({"class_name": "Activation", "config": {"activation":
                  {"class_name": "hard_sigmoid", "config": {"alpha": 0.25, "beta": 0.5}}}})",
                                version_2),
              0.75F,
              1e-6F);
}

TEST(Keras2, arguments_that_keras_3_does_not_write_tell_it_where_no_version_does) {
  for (const char* argument : {R"("time_major": false)", R"("implementation": 2)"}) {
    const std::string lstm =
        std::string(R"({"class_name": "LSTM", "config": {"units": 2, "activation": "tanh",
        "recurrent_activation": "hard_sigmoid", )") +
        argument + "}}";
    const Json config = config_of_layer(lstm);
    EXPECT_TRUE(has_slope_of_keras2(config["recurrent_activation"])) << config;
    EXPECT_EQ(config["activation"], "tanh");
    EXPECT_EQ(config_of_layer(lstm, R"(, "keras_version": "3.0.0")")["recurrent_activation"], "hard_sigmoid");
  }
}

TEST(Keras2, any_layer_may_tell_it_of_all) {
  for (const char* first :
       {R"({"class_name": "InputLayer", "config": {"batch_input_shape": [null, 4]}})",
        R"({"class_name": "Embedding", "config": {"input_dim": 3, "output_dim": 2, "input_length": 4}})",
        R"({"class_name": "Bidirectional", "config":
            {"layer": {"class_name": "LSTM", "config": {"units": 2, "time_major": false}}}})"}) {
    const ModelSpec spec = parse_model_json(document(std::string(first).append(",").append(hard_sigmoid)));
    EXPECT_TRUE(has_slope_of_keras2(make_layer(spec.layers.back())->config()["activation"])) << first;
  }
}

TEST(Keras2, layers_within_others_are_translated) {
  const std::string gru =
      R"({"class_name": "GRU", "config": {"units": 2, "recurrent_activation": "hard_sigmoid"}})";
  const Json both = config_of_layer(
      R"({"class_name": "Bidirectional", "config": {"layer": )" + gru + R"(, "backward_layer": )" +
          Json::parse(gru)
              .patch(Json::parse(R"([{"op": "add", "path": "/config/go_backwards", "value": true}])"))
              .dump() +
          "}}",
      version_2);
  for (const char* direction : {"layer", "backward_layer"}) {
    EXPECT_TRUE(has_slope_of_keras2(both[direction]["config"]["recurrent_activation"])) << direction;
    EXPECT_EQ(both[direction]["config"]["reset_after"], false) << direction;
  }
  const Json each = config_of_layer(R"({"class_name": "TimeDistributed", "config":
      {"layer": {"class_name": "Dense", "config": {"units": 2, "activation": "hard_sigmoid"}}}})",
                                    version_2);
  EXPECT_TRUE(has_slope_of_keras2(each["layer"]["config"]["activation"])) << each;
}

TEST(Keras2, a_gru_resets_before_the_product_unless_it_says_otherwise) {
  EXPECT_EQ(config_of_layer(R"({"class_name": "GRU", "config": {"units": 2}})", version_2)["reset_after"],
            false);
  EXPECT_EQ(
      config_of_layer(R"({"class_name": "GRU", "config": {"units": 2, "implementation": 1}})")["reset_after"],
      false);
  EXPECT_EQ(config_of_layer(R"({"class_name": "GRU", "config": {"units": 2, "reset_after": true}})",
                            version_2)["reset_after"],
            true);
  EXPECT_EQ(config_of_layer(R"({"class_name": "GRU", "config": {"units": 2}})")["reset_after"], true);
}

TEST(Keras2, a_model_that_was_read_is_the_same_when_it_is_read_again) {
  const ModelSpec spec =
      parse_model_json(document(R"({"class_name": "GRU", "config": {"units": 2, "time_major": false,
                   "recurrent_activation": "hard_sigmoid"}})"));
  EXPECT_EQ(parse_model_json(to_json(spec)).layers.at(0).config, spec.layers.at(0).config);
  // As a model's own file says it, without the words of Keras 2.
  const Json config = make_layer(spec.layers.at(0))->config();
  EXPECT_EQ(config_of_layer(Json{{"class_name", "GRU"}, {"config", config}}.dump()), config);
}

TEST(Keras2, an_activation_without_a_name_is_named_in_the_error) {
  EXPECT_EQ(
      error_text(ErrorCode::format,
                 [] {
                   config_of_layer(R"({"class_name": "Dense", "config": {"units": 2, "activation":
                             {"class_name": 3}}})",
                                   version_2);
                 }),
      R"(Dense.activation: expected a name or an object with a string "class_name", got {"class_name":3})");
}

TEST(Keras2, documents_of_another_kind_are_refused) {
  EXPECT_EQ(error_text(ErrorCode::format,
                       [] { parse_model_json(document(hard_sigmoid, R"(, "keras_version": 2)")); }),
            "model.keras_version: expected a string, got 2");
  Json functional = document(hard_sigmoid);
  functional["class_name"] = "Functional";
  EXPECT_EQ(error_text(ErrorCode::unsupported, [&] { parse_model_json(functional); }),
            "model \"Functional\": supported are Sequential");
}

}  // namespace

}  // namespace recurra::test
