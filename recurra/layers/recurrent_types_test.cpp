/// The recurrent layers as data: their configs, the names of their weights, and what they refuse.
#include <cmath>
#include <memory>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/layers/bidirectional.h"
#include "recurra/layers/lstm.h"
#include "recurra/layers/model_spec.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

TEST(BidirectionalLayer, names_its_weights_by_direction) {
  Bidirectional layer(std::make_unique<Lstm>(LstmOptions{{.units = 3}}));
  Random random(1);
  layer.build({any_extent, 2}, random);
  std::vector<std::string> names;
  for (const Parameter* parameter : layer.parameters()) names.push_back(parameter->name);
  EXPECT_EQ(names,
            (std::vector<std::string>{"forward_layer/kernel",
                                      "forward_layer/recurrent_kernel",
                                      "forward_layer/bias",
                                      "backward_layer/kernel",
                                      "backward_layer/recurrent_kernel",
                                      "backward_layer/bias"}));
  EXPECT_EQ(layer.forward_layer().name(), "forward_lstm");
  EXPECT_EQ(layer.backward_layer().name(), "backward_lstm");
}

TEST(RecurrentLayers, configs_make_the_same_layer_again) {
  for (
      const char* config : {
          R"({"class_name": "LSTM", "config": {"units": 3, "activation": "relu", "recurrent_activation": "hard_sigmoid",
               "use_bias": false, "unit_forget_bias": false, "dropout": 0.1, "recurrent_dropout": 0.2, "seed": 5,
               "return_sequences": true, "return_state": true, "go_backwards": true, "stateful": true, "zero_output_for_mask": true,
               "kernel_initializer": "he_normal", "recurrent_regularizer": "l2", "bias_constraint": "non_neg"}})",
          R"({"class_name": "GRU", "config": {"units": 3, "reset_after": false}})",
          R"({"class_name": "SimpleRNN", "config": {"units": 3, "activation": null}})",
          R"({"class_name": "Bidirectional", "config": {"merge_mode": "ave",
               "layer": {"class_name": "GRU", "config": {"units": 4}}}})",
          R"({"class_name": "Bidirectional", "config": {"merge_mode": null,
               "layer": {"class_name": "GRU", "config": {"units": 4, "return_state": true}}}})"}) {
    const nlohmann::json json = nlohmann::json::parse(config);
    const auto layer = make_layer({json["class_name"], json["config"].dump()});
    const nlohmann::json once = layer->config();
    EXPECT_EQ(make_layer({layer->type(), once.dump()})->config(), once);
    for (const auto& [key, value] : json["config"].items()) {
      if (key == "merge_mode") {
        EXPECT_EQ(once[key], value);
        continue;
      }
      if (value.is_object() || key.ends_with("izer") || key.ends_with("constraint")) continue;
      EXPECT_EQ(once[key], value.is_null() ? nlohmann::json("linear") : value) << key;
    }
  }
}

TEST(RecurrentLayers, refuse_what_is_out_of_range_or_not_theirs) {
  const auto refusal = [](const RecurrentOptions& options) {
    return error_text(ErrorCode::invalid_argument, [&] { Lstm({options}); });
  };
  EXPECT_EQ(refusal({.units = 0}), "units: expected 1 to 1048576, got 0");
  EXPECT_EQ(refusal({.units = -3}), "units: expected 1 to 1048576, got -3");
  EXPECT_EQ(refusal({.units = 2, .dropout = 1.0}), "dropout: expected from 0 up to below 1, got 1");
  EXPECT_EQ(refusal({.units = 2, .dropout = NAN}), "dropout: expected from 0 up to below 1, got nan");
  EXPECT_EQ(refusal({.units = 2, .recurrent_dropout = -0.1}),
            "recurrent_dropout: expected from 0 up to below 1, got -0.1");
  EXPECT_EQ(refusal({.units = 2, .activation = {ActivationKind::elu, -1.0F}}),
            "activation elu: expected alpha from 0 up, got -1");
  EXPECT_EQ(refusal({.units = 2, .activation = {ActivationKind::elu, NAN}}),
            "activation elu: expected a finite alpha, got nan");
  EXPECT_EQ(refusal({.units = 2, .activation = {ActivationKind(99)}}),
            "activation: expected an activation, got 99");
  EXPECT_EQ(error_text([] {
              Lstm(LstmOptions{{.units = 2}, {ActivationKind::affine, 1.0F, INFINITY}});
            }),
            "recurrent_activation affine: expected a finite beta, got inf");
  const auto malformed = [](const char* type, const char* config) {
    return error_text(ErrorCode::format, [&] { make_layer({type, config}); });
  };
  EXPECT_EQ(malformed("GRU", R"({"units": 2, "reset_after": 1})"),
            "GRU.reset_after: expected true or false, got 1");
  EXPECT_EQ(malformed("LSTM", R"({"units": 2, "go_backwards": "no"})"),
            "LSTM.go_backwards: expected true or false, got \"no\"");
  const auto unsupported = [](const char* type, const char* config) {
    return error_text(ErrorCode::unsupported, [&] { make_layer({type, config}); });
  };
  EXPECT_EQ(unsupported("LSTM", R"({"units": 2, "activation": "softmax"})"),
            "LSTM.activation \"softmax\": supported are pointwise activations");
  EXPECT_EQ(unsupported("LSTM", R"({"units": 2, "time_major": true})"),
            "LSTM.time_major \"true\": supported are false");
  EXPECT_EQ(unsupported("Bidirectional",
                        R"({"layer": {"class_name": "LSTM", "config": {"units": 2}}, "merge_mode": "max"})"),
            "merge_mode \"max\": supported are concat, sum, mul, ave");
  EXPECT_EQ(malformed("Bidirectional",
                      R"({"layer": {"class_name": "LSTM", "config": {"units": 2}}, "merge_mode": 1})"),
            "Bidirectional.merge_mode: expected a string or null, got 1");
  EXPECT_EQ(unsupported("Bidirectional", R"({"layer": {"class_name": "Dense", "config": {"units": 2}}})"),
            "Bidirectional.layer \"Dense\": supported are LSTM, GRU, SimpleRNN");
}

/// How another library computes the same: the only arguments that are read and have no effect.
TEST(RecurrentLayers, take_what_only_says_how_to_compute_without_effect) {
  for (const char* type : {"LSTM", "GRU", "SimpleRNN"}) {
    const nlohmann::json plain = make_layer({type, R"({"units": 3})"})->config();
    for (const char* config : {R"({"units": 3, "unroll": true, "implementation": 1, "use_cudnn": true})",
                               R"({"units": 3, "unroll": false, "implementation": 2, "use_cudnn": "auto"})"})
      EXPECT_EQ(make_layer({type, config})->config(), plain);
  }
}

TEST(BidirectionalLayer, refuses_layers_that_do_not_fit) {
  const auto lstm = [](i64 n, bool sequences, bool backwards) {
    return std::make_unique<Lstm>(
        LstmOptions{{.units = n, .return_sequences = sequences, .go_backwards = backwards}});
  };
  const auto refusal = [&](std::unique_ptr<Recurrent> backward, MergeMode mode) {
    return error_text(ErrorCode::invalid_argument,
                      [&] { Bidirectional(lstm(3, false, false), std::move(backward), mode, "b"); });
  };
  EXPECT_EQ(refusal(lstm(3, false, false), MergeMode::concat),
            "b.backward_layer: expected the other direction, got go_backwards as of the forward layer");
  EXPECT_EQ(refusal(lstm(3, true, true), MergeMode::concat),
            "b.backward_layer: expected return_sequences as of the forward layer, got true");
  EXPECT_EQ(refusal(lstm(4, false, true), MergeMode::sum),
            "b.backward_layer: expected 3 units as the forward layer, got 4");
  EXPECT_EQ(
      refusal(std::make_unique<Lstm>(LstmOptions{{.units = 3, .return_state = true, .go_backwards = true}}),
              MergeMode::none),
      "b.backward_layer: expected return_state as of the forward layer, got true");
  EXPECT_EQ(refusal(std::make_unique<Lstm>(LstmOptions{{.units = 3, .go_backwards = true, .stateful = true}}),
                    MergeMode::concat),
            "b.backward_layer: expected stateful as of the forward layer, got true");
  Bidirectional both(lstm(3, false, false), lstm(4, false, true), MergeMode::concat, "b");
  Random random(1);
  EXPECT_EQ(both.build({any_extent, 2}, random), Shape{7});
}

}  // namespace

}  // namespace recurra::test
