/// Layers outside the recurrence: values and gradients against plain double arithmetic, initial values,
/// models as data, a layer of a user's.
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/engine/affine.h"
#include "recurra/layers/batch_normalization.h"
#include "recurra/layers/dense.h"
#include "recurra/layers/initializers.h"
#include "recurra/layers/json_text.h"
#include "recurra/layers/lstm.h"
#include "recurra/layers/model_spec.h"
#include "recurra/training/sequential.h"
#include "tests/support/layer_gradients.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

TEST(Affine, agrees_with_double_arithmetic_on_every_target) {
  for (const Target* target : supported_targets()) {
    for (const auto& [rows, inputs, outputs] :
         {std::tuple{1, 1, 1}, {3, 7, 10}, {17, 50, 33}, {64, 64, 10}, {9, 3, 130}}) {
      const Tensor x = normal({rows, inputs}, 1);
      const Tensor W = normal({inputs, outputs}, 2);
      const Tensor b = normal({outputs}, 3);
      const Tensor dy = normal({rows, outputs}, 4);
      Tensor y({rows, outputs}), dx({rows, inputs}), dW({inputs, outputs}), db({outputs});
      Affine map(inputs, outputs, *target);
      map.pack(W.data(), b.data());
      map.forward(rows, x.data(), y.data());
      map.backward(rows, x.data(), dy.data(), dx.data(), dW.data(), db.data());
      for (int r = 0; r < rows; ++r) {
        for (int j = 0; j < outputs; ++j) {
          double sum = b.data()[j];
          for (int k = 0; k < inputs; ++k)
            sum += double(x.data()[r * inputs + k]) * W.data()[k * outputs + j];
          ASSERT_NEAR(y.data()[r * outputs + j], sum, 2e-5) << target->name;
        }
        for (int k = 0; k < inputs; ++k) {
          double sum = 0;
          for (int j = 0; j < outputs; ++j)
            sum += double(dy.data()[r * outputs + j]) * W.data()[k * outputs + j];
          ASSERT_NEAR(dx.data()[r * inputs + k], sum, 5e-5) << target->name;
        }
      }
      for (int j = 0; j < outputs; ++j) {
        double bias = 0;
        for (int r = 0; r < rows; ++r) bias += dy.data()[r * outputs + j];
        ASSERT_NEAR(db.data()[j], bias, 2e-5);
        for (int k = 0; k < inputs; ++k) {
          double sum = 0;
          for (int r = 0; r < rows; ++r) sum += double(x.data()[r * inputs + k]) * dy.data()[r * outputs + j];
          ASSERT_NEAR(dW.data()[k * outputs + j], sum, 5e-5) << target->name;
        }
      }
    }
  }
}

TEST(Affine, threads_and_neighbours_do_not_change_bits) {
  const Tensor x = normal({200, 300}, 1);
  const Tensor W = normal({300, 70}, 2);
  const Tensor dy = normal({200, 70}, 3);
  Team team(3);
  std::vector<Tensor> results[3];
  for (int threads = 1; threads <= 3; ++threads) {
    Execution execution;
    execution.team = &team;
    execution.threads = threads;
    Affine map(300, 70);
    map.pack(W.data(), nullptr);
    Tensor y({200, 70}), dx({200, 300}), dW({300, 70}), db({70});
    map.forward(200, x.data(), y.data(), execution);
    map.backward(200, x.data(), dy.data(), dx.data(), dW.data(), db.data(), execution);
    Tensor alone({1, 70});
    map.forward(1, x.data() + 300 * 123, alone.data(), execution);
    EXPECT_TRUE(std::equal(alone.data(), alone.data() + 70, y.data() + 70 * 123));
    results[threads - 1] = {y, dx, dW, db};
  }
  for (std::size_t i = 0; i < 4; ++i) {
    for (int threads = 2; threads <= 3; ++threads) {
      EXPECT_TRUE(std::ranges::equal(results[0][i].as<float>(), results[threads - 1][i].as<float>()));
    }
  }
}

TEST(BatchNormalizationLayer, gradients_agree_with_differences) {
  BatchNormalization layer;
  Random random(1);
  layer.build({5}, random);
  expect_gradients(layer, normal({12, 5}, 5), normal({12, 5}, 6), {.training = true});
}

TEST(BatchNormalizationLayer, steps_past_the_length_leave_the_statistics) {
  const StepMask mask = StepMask::of_lengths(std::vector{4, 1, 0}, 4);
  const Context context{.training = true, .mask = &mask};
  Tensor x = normal({3, 4, 5}, 7);
  BatchNormalization layer;
  Random random(1);
  layer.build({4, 5}, random);
  expect_gradients(layer, x, normal({3, 4, 5}, 8), context);
  const Tensor before = layer.forward(x, context);
  x.data()[(1 * 4 + 2) * 5] = 1e6F;  // row 1, step 2: past its end
  const Tensor& after = layer.forward(x, context);
  EXPECT_TRUE(std::equal(before.data(), before.data() + 4 * 5, after.data()));
}

TEST(BatchNormalizationLayer, moves_its_statistics_as_keras_does) {
  BatchNormalization layer;
  Random random(1);
  layer.build({1}, random);
  Tensor x({2, 1});
  x.data()[0] = 1.0F;
  x.data()[1] = 3.0F;  // mean 2, biased variance 1
  layer.forward(x, {.training = true});
  EXPECT_FLOAT_EQ(layer.parameters()[2]->value.data()[0], 0.02F);
  EXPECT_FLOAT_EQ(layer.parameters()[3]->value.data()[0], 0.99F + 0.01F);
  const Tensor& y = layer.forward(x, {});
  EXPECT_NEAR(y.data()[0], (1.0 - 0.02) / std::sqrt(1.0 + 1e-3), 1e-6);
}

TEST(DenseLayer, gradients_agree_with_differences_over_any_leading_axes) {
  Dense layer({.units = 4});
  Random random(1);
  EXPECT_EQ(layer.build({3, 6}, random), (Shape{3, 4}));
  expect_gradients(layer, normal({2, 3, 6}, 9), normal({2, 3, 4}, 10), {.training = true});
}

TEST(LstmLayer, gradients_agree_with_differences_with_and_without_sequences) {
  const StepMask mask = StepMask::of_lengths(std::vector{5, 2, 0}, 5);
  for (const bool sequences : {false, true}) {
    Lstm layer({{.units = 6, .return_sequences = sequences}});
    Random random(1);
    layer.build({5, 3}, random);
    const Tensor d = sequences ? normal({3, 5, 6}, 11) : normal({3, 6}, 11);
    expect_gradients(layer, normal({3, 5, 3}, 12), d, {.training = true, .mask = &mask});
  }
}

TEST(LstmLayer, starts_as_keras_does) {
  Lstm layer({{.units = 8}});
  Random random(3);
  layer.build({any_extent, 5}, random);
  const std::vector<Parameter*> p = layer.parameters();
  EXPECT_EQ(p[0]->name, "kernel");
  EXPECT_EQ(p[0]->value.shape(), (Shape{5, 32}));
  EXPECT_EQ(p[1]->value.shape(), (Shape{8, 32}));
  const float limit = std::sqrt(6.0F / 37.0F);
  for (const float value : p[0]->value.as<float>()) EXPECT_LE(std::abs(value), limit);
  // The rows of the recurrent kernel are orthonormal.
  for (int a = 0; a < 8; ++a) {
    for (int b = 0; b < 8; ++b) {
      double dot = 0;
      for (int j = 0; j < 32; ++j)
        dot += double(p[1]->value.data()[a * 32 + j]) * p[1]->value.data()[b * 32 + j];
      EXPECT_NEAR(dot, a == b ? 1.0 : 0.0, 1e-6);
    }
  }
  for (int j = 0; j < 32; ++j) EXPECT_EQ(p[2]->value.data()[j], j / 8 == 1 ? 1.0F : 0.0F);
}

TEST(Initializers, orthogonal_of_more_rows_than_columns_has_orthonormal_columns) {
  Tensor tensor({9, 4});
  Random random(5);
  orthogonal(tensor, random);
  for (int a = 0; a < 4; ++a) {
    for (int b = 0; b < 4; ++b) {
      double dot = 0;
      for (int i = 0; i < 9; ++i) dot += double(tensor.data()[i * 4 + a]) * tensor.data()[i * 4 + b];
      EXPECT_NEAR(dot, a == b ? 1.0 : 0.0, 1e-6);
    }
  }
}

TEST(ModelSpec, text_becomes_layers_and_an_lstm_before_another_returns_its_sequence) {
  const ModelSpec spec = parse_model("lstm:8,batch_norm,lstm:4,dense:3");
  ASSERT_EQ(spec.layers.size(), 4U);
  EXPECT_EQ(spec.layers[0].config, R"({"return_sequences":true,"units":8})");
  EXPECT_EQ(spec.layers[1].type, "BatchNormalization");
  EXPECT_EQ(spec.layers[2].config, R"({"units":4})");
  const ModelSpec again = parse_model_json(to_json(spec));
  EXPECT_EQ(again.layers[3].type, "Dense");
}

TEST(ModelSpec, text_of_both_directions_wraps_a_layer) {
  ModelSpec spec = parse_model("bilstm:8,bigru:4,dense:3");
  EXPECT_EQ(spec.layers[0].type, "Bidirectional");
  EXPECT_EQ(spec.layers[0].config,
            R"({"layer":{"class_name":"LSTM","config":{"return_sequences":true,"units":8}}})");
  EXPECT_EQ(spec.layers[1].config, R"({"layer":{"class_name":"GRU","config":{"units":4}}})");
  return_sequences(spec);
  EXPECT_EQ(spec.layers[1].config,
            R"({"layer":{"class_name":"GRU","config":{"return_sequences":true,"units":4}}})");
  EXPECT_EQ(spec.layers[2].config, R"({"units":3})");
  Random random(1);
  EXPECT_EQ(make_layer(spec.layers[1])->build({any_extent, 2}, random), (Shape{any_extent, 8}));
}

TEST(ModelSpec, bad_texts_are_named) {
  EXPECT_EQ(
      error_text([] { parse_model("lstm:64,gro:3"); }),
      R"(layer "gro": supported are lstm, gru, simple_rnn, bilstm, bigru, rnn_stack, dense, batch_norm, embedding, masking, dropout, activation, flatten, average_pooling, layer_norm, max_pooling)");
  EXPECT_EQ(
      error_text([] { parse_model(""); }),
      R"(layer "": supported are lstm, gru, simple_rnn, bilstm, bigru, rnn_stack, dense, batch_norm, embedding, masking, dropout, activation, flatten, average_pooling, layer_norm, max_pooling)");
  EXPECT_EQ(error_text([] { parse_model("lstm"); }),
            R"(layer "lstm": expected units from 1 up behind a colon, got nothing)");
  EXPECT_EQ(error_text([] { parse_model("lstm:12ab"); }),
            R"(layer "lstm:12ab": expected units from 1 up behind a colon, got 12ab)");
  EXPECT_EQ(error_text([] { parse_model("batch_norm:3"); }),
            R"(layer "batch_norm:3": expected nothing behind the name, got 3)");
  EXPECT_EQ(
      error_text([] {
        make_layer({"Lambda", "{}"});
      }),
      R"(layer "Lambda": supported are LSTM, GRU, SimpleRNN, Bidirectional, OptimizedRNNStack, RNN, Dense, BatchNormalization, Embedding, Masking, Dropout, Activation, Flatten, GlobalAveragePooling1D, TimeDistributed, ReLU, LeakyReLU, ELU, Softmax, Add, Subtract, Multiply, Average, Maximum, Minimum, Concatenate, Dot, RepeatVector, Reshape, Permute, LayerNormalization, MaxPooling1D, Conv1D, Attention, AdditiveAttention)");
  EXPECT_EQ(
      error_text([] {
        make_layer({"Dense", R"({"units": 3, "unroll": true})"});
      }),
      R"(Dense argument "unroll": supported are name, trainable, dtype, units, activation, use_bias, kernel_initializer, kernel_regularizer, kernel_constraint, bias_initializer, bias_regularizer, bias_constraint, activity_regularizer)");
  EXPECT_EQ(error_text([] {
              make_layer({"LSTM", R"({"units": "3"})"});
            }),
            R"(LSTM.units: expected an integer, got "3")");
  EXPECT_EQ(error_text([] {
              make_layer({"Dense", R"({"units": 1099511627776})"});
            }),
            "units: expected 1 to 1048576, got 1099511627776");
  EXPECT_EQ(error_text([] {
              make_layer({"BatchNormalization", R"({"momentum": 1.5})"});
            }),
            "momentum: expected 0 to 1, got 1.5");
  EXPECT_EQ(error_text([] {
              make_layer({"BatchNormalization", R"({"epsilon": 0.0})"});
            }),
            "epsilon: expected a number above 0, got 0");
}

TEST(ModelSpec, what_a_file_says_is_shown_cut_and_clean) {
  const auto text = [](const nlohmann::json& config) {
    return error_text([&] { make_layer({"LSTM", config.dump()}); });
  };
  // The sixtieth and the eightieth byte lie within a letter.
  std::string letters(1, 'a');
  for (int i = 0; i < 60; ++i) letters += "ü";
  const std::string cut = letters.substr(0, 79) + "…";
  EXPECT_EQ(text({{"units", 2}, {"time_major", letters}}),
            "LSTM.time_major \"" + cut + "\": supported are false");
  EXPECT_EQ(text({{"units", 2}, {"time_major", "a\n\x1b[2Jb"}}),
            "LSTM.time_major \"a??[2Jb\": supported are false");
  EXPECT_EQ(text({{"units", letters}}),
            "LSTM.units: expected an integer, got \"" + letters.substr(0, 79) + "…");
  EXPECT_EQ(text({{"units", 2}, {"activation", "re\nlu"}}).substr(0, 24), "LSTM.activation \"re?lu\":");
  ModelSpec spec;
  spec.layers.push_back({"LSTM", "\xff" + letters});
  EXPECT_NO_THROW(error_text(ErrorCode::format, [&] { to_json(spec); }));
}

/// Deeper than any stack would carry a function that calls itself.
std::string nested(int levels) {
  return std::string(std::size_t(levels), '[') + std::string(std::size_t(levels), ']');
}

TEST(ModelSpec, configs_that_are_no_objects_are_named_wherever_they_are_read) {
  for (const char* config : {"[]", "{"}) {
    ModelSpec spec;
    spec.layers.push_back({"LSTM", config});
    const std::string text =
        std::string("LSTM.config: expected a JSON object, got ").append(config[0] == '[' ? "[]" : "\"{\"");
    EXPECT_EQ(error_text(ErrorCode::format, [&] { make_layer(spec.layers[0]); }), text);
    EXPECT_EQ(error_text(ErrorCode::format, [&] { return_sequences(spec); }), text);
    EXPECT_EQ(error_text(ErrorCode::format, [&] { to_json(spec); }), text);
  }
}

TEST(ModelSpec, json_of_too_many_levels_is_refused) {
  const std::string refusal = ": expected JSON of at most 64 levels of lists and objects, got more";
  EXPECT_FALSE(parse_json(nested(64), "x").is_discarded());
  EXPECT_EQ(error_text([] { static_cast<void>(parse_json(nested(65), "x")); }), "x" + refusal);
  EXPECT_EQ(error_text([] { static_cast<void>(parse_json(nested(100'000), "x")); }), "x" + refusal);
  // Whatever follows: it is not read.
  EXPECT_EQ(error_text([] { static_cast<void>(parse_json(std::string(65, '['), "x")); }), "x" + refusal);
  std::string objects;
  for (int i = 0; i < 65; ++i) objects += R"({"a":)";
  EXPECT_EQ(error_text([&] { static_cast<void>(parse_json(objects, "x")); }), "x" + refusal);
  // Side by side they are no levels, and in a text no lists.
  std::string flat = "[";
  for (int i = 0; i < 100; ++i) flat += R"([{"a":"[[["}],)";
  EXPECT_EQ(parse_json(flat + "[]]", "x").size(), 101U);
  EXPECT_EQ(error_text([] {
              make_layer({"Dense", R"({"units": 3, "activation": )" + nested(100'000) + "}"});
            }),
            "Dense" + refusal);
  nlohmann::json model;
  model["layers"][0]["class_name"] = "Dense";
  model["layers"][0]["config"] = nlohmann::json::parse(nested(100'000));
  EXPECT_EQ(error_text([&] { static_cast<void>(parse_model_json(model)); }), "model" + refusal);
  ModelSpec spec;
  spec.layers.push_back({"LSTM", nested(100'000)});
  EXPECT_EQ(error_text([&] { return_sequences(spec); }), "LSTM" + refusal);
  EXPECT_EQ(error_text([&] { to_json(spec); }), "LSTM" + refusal);
}

/// y = factor * x: all that a layer of a user's needs.
class Scale final : public Layer {
 public:
  Scale() : Layer("scale") {}

  const char* type() const noexcept override { return "Scale"; }

  nlohmann::json config() const override { return base_config(); }

  std::vector<Parameter*> parameters() override { return {&factor_}; }

 private:
  Shape run_build(const Shape& input, Random& random) override {
    factor_ = make_parameter("factor", {1}, {.initializer = Constant{3}}, random);
    return input;
  }

  const Tensor& run_forward(const Tensor& x, const Context&) override { return scaled(x, y_); }

  const Tensor& run_backward(const Tensor& x, const Tensor& dy, bool want_dx, const Context&) override {
    *factor_.d() = std::inner_product(x.data(), x.data() + x.size(), dy.data(), 0.0F);
    return want_dx ? scaled(dy, dx_) : none_;
  }

  const Tensor& scaled(const Tensor& from, Tensor& to) {
    to = from;
    for (float& value : to.as<float>()) value *= factor_.value.data()[0];
    return to;
  }

  Parameter factor_;
  Tensor y_, dx_, none_{Shape{0}};
};

TEST(OwnLayer, has_gradients_and_learns_in_a_sequential) {
  Scale alone;
  Random random(1);
  EXPECT_EQ(alone.build({4}, random), Shape{4});
  expect_gradients(alone, normal({3, 4}, 1), normal({3, 4}, 2), {.training = true});
  Sequential model;
  model.add(std::make_unique<Scale>());
  model.add(std::make_unique<Dense>(DenseOptions{.units = 2}));
  model.add(std::make_unique<Scale>());
  model.compile(make_optimizer("adam", 0.1), make_loss("mean_squared_error"));
  const Tensor x = normal({16, 3}, 3);
  const Tensor y = normal({16, 2}, 4);
  const double before = model.train_on_batch(x, y);
  for (int update = 0; update < 50; ++update) model.train_on_batch(x, y);
  EXPECT_LT(model.train_on_batch(x, y), 0.5 * before);
  for (const char* name : {"scale", "scale_1"}) {
    EXPECT_NE(model.get_layer(name).parameters()[0]->value.data()[0], 3.0F) << name;
  }
}

}  // namespace

}  // namespace recurra::test
