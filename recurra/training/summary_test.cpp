#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/training/sequential.h"

namespace recurra::test {

namespace {

TEST(Summary, in_keras_2_s_layout_is_the_text_of_the_digit_model) {
  Sequential model(parse_model_json(nlohmann::json::parse(R"({"name": "sequential_3", "layers": [
      {"class_name": "LSTM", "config": {"name": "lstm_3", "units": 64}},
      {"class_name": "BatchNormalization", "config": {}},
      {"class_name": "Dense", "config": {"name": "dense_4", "units": 10}}]})")));
  model.build({28, 28});
  std::ostringstream text;
  model.summary(text, SummaryStyle::keras2);
  const std::string blank(65, ' ');
  const std::string rule = std::string(65, '_') + "\n";
  const std::string double_rule = std::string(65, '=') + "\n";
  EXPECT_EQ(text.str(),
            "Model: \"sequential_3\"\n" + rule +
                " Layer (type)                Output Shape              Param #   \n" + double_rule +
                " lstm_3 (LSTM)               (None, 64)                23808     \n" + blank + "\n" +
                " batch_normalization (Batch  (None, 64)                256       \n"
                " Normalization)                                                  \n" +
                blank + "\n" + " dense_4 (Dense)             (None, 10)                650       \n" + blank +
                "\n" + double_rule +
                "Total params: 24714 (96.54 KB)\n"
                "Trainable params: 24586 (96.04 KB)\n"
                "Non-trainable params: 128 (512.00 Byte)\n" +
                rule);
}

TEST(Summary, of_a_model_not_built_says_so_in_either_style) {
  const Sequential model(parse_model("dense:10"));
  std::ostringstream keras3;
  model.summary(keras3);
  EXPECT_NE(keras3.str().find("│ ?                           │     0 (unbuilt) │"), std::string::npos)
      << keras3.str();
  std::ostringstream keras2;
  model.summary(keras2, SummaryStyle::keras2);
  EXPECT_NE(keras2.str().find(" dense (Dense)               ?                         0 (unused)\n"),
            std::string::npos)
      << keras2.str();
}

}  // namespace

}  // namespace recurra::test
