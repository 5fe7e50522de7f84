#include "recurra/layers/recurrent_lstm_layer_stack.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/layers/bidirectional.h"
#include "recurra/layers/lstm.h"
#include "recurra/layers/optimized_rnn_stack.h"
#include "recurra/training/sequential.h"
#include "tests/support/layer_gradients.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

constexpr i64 batch = 3, steps = 5, features = 4;

bool equal(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::ranges::equal(a.as<float>(), b.as<float>());
}

Sequential model_of(const RecurrentLstmLayerStackOptions& options) {
  Sequential model;
  for (std::unique_ptr<Layer>& layer : recurrent_lstm_layer_stack(options)) model.add(std::move(layer));
  model.build({any_extent, features});
  return model;
}

TEST(RecurrentLstmLayerStack, makes_layers_of_different_widths) {
  Sequential model = model_of({.layer_dims = {6, 3, 5}, .allow_optimized_engine = true});
  ASSERT_EQ(model.layers().size(), 3U);
  const i64 widths[] = {6, 3, 5};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(dynamic_cast<Lstm&>(*model.layers()[i]).recurrent_options().units, widths[i]);
    EXPECT_EQ(model.layers()[i]->name(), "lstm_stack_" + std::to_string(i));
  }
  EXPECT_EQ(model.predict(normal({batch, steps, features}, 1)).shape(), (Shape{batch, steps, 5}));
}

TEST(RecurrentLstmLayerStack, takes_one_stack_only_where_it_may_and_can) {
  const auto first_type = [](RecurrentLstmLayerStackOptions options) {
    return std::string(recurrent_lstm_layer_stack(options)[0]->type());
  };
  EXPECT_EQ(first_type({.layer_dims = {6, 6}, .allow_optimized_engine = true}), "OptimizedRNNStack");
  EXPECT_EQ(first_type({.layer_dims = {6}, .allow_optimized_engine = true}), "OptimizedRNNStack");
  EXPECT_EQ(first_type({.layer_dims = {6, 6}}), "LSTM");
  EXPECT_EQ(first_type({.layer_dims = {6, 5}, .allow_optimized_engine = true}), "LSTM");
  EXPECT_EQ(first_type({.layer_dims = {6, 6}, .use_peepholes = true, .allow_optimized_engine = true}),
            "LSTM");
}

TEST(RecurrentLstmLayerStack, starts_as_it_is_told) {
  const auto largest = [](std::span<const float> values) {
    return std::ranges::max(values, {}, [](float value) { return std::abs(value); });
  };
  for (const BlobStart start : {BlobStart::parts, BlobStart::whole}) {
    Sequential model =
        model_of({.layer_dims = {40, 30}, .init = "heUniform", .init_value_scale = 0.1, .start = start});
    const std::vector<Parameter*> weights = model.layers()[1]->parameters();
    const double range = 0.1 * std::sqrt(6.0 / 40);
    EXPECT_LE(std::abs(largest(weights[0]->value.as<float>())), range * (1 + 1e-6));
    EXPECT_GT(std::abs(largest(weights[0]->value.as<float>())), 0.9 * range);
    EXPECT_EQ(weights[2]->value.data()[30], start == BlobStart::parts ? 1.0F : 0.0F);
  }
  Sequential stack = model_of({.layer_dims = {30, 30},
                               .init_value_scale = 0.5,
                               .allow_optimized_engine = true,
                               .start = BlobStart::whole});
  const Tensor weights = stack.get_weights()[0];
  const double range = 0.5 * std::sqrt(6.0 / double(30 + weights.shape()[1]));
  EXPECT_LE(std::abs(largest(weights.as<float>())), range * (1 + 1e-6));
  EXPECT_GT(std::abs(largest(weights.as<float>())), 0.95 * range);
}

TEST(RecurrentLstmLayerStack, refuses_what_it_does_not_have) {
  const auto text = [](ErrorCode code, const RecurrentLstmLayerStackOptions& options) {
    return error_text(code, [&] { static_cast<void>(recurrent_lstm_layer_stack(options)); });
  };
  EXPECT_EQ(text(ErrorCode::invalid_argument, {}),
            "layer_dims: expected the units of at least one layer, got none");
  EXPECT_EQ(text(ErrorCode::invalid_argument, {.layer_dims = {4, 0}}),
            "layer_dims: expected 1 to 1048576, got 0");
  EXPECT_EQ(text(ErrorCode::unsupported, {.layer_dims = {4}, .enable_self_stabilization = true}),
            "enable_self_stabilization \"true\": supported are false");
  EXPECT_EQ(text(ErrorCode::invalid_argument, {.layer_dims = {4}, .init_value_scale = -1}),
            "init_value_scale: expected a finite number above 0, got -1");
  EXPECT_NE(text(ErrorCode::unsupported, {.layer_dims = {4}, .init = "glorot"}), "no error");
}

/// An LSTM with peepholes whose weights are drawn.
LstmOptions with_peepholes() {
  LstmOptions options;
  options.units = 5;
  options.return_sequences = true;
  options.use_peepholes = true;
  options.peephole.initializer = RandomNormal{.stddev = 0.5};
  return options;
}

TEST(LstmWithPeepholes, has_the_gradients_of_all_weights) {
  const StepMask mask = StepMask::of_lengths(std::vector<int>{4, 5, 2}, steps);
  Lstm layer(with_peepholes());
  Random random(3);
  layer.build({any_extent, features}, random);
  ASSERT_EQ(layer.parameters().size(), 4U);
  EXPECT_EQ(layer.parameters()[3]->name, "peephole");
  EXPECT_EQ(layer.parameters()[3]->value.shape(), (Shape{3, 5}));
  expect_gradients(layer,
                   normal({batch, steps, features}, 1),
                   normal({batch, steps, 5}, 2),
                   {.training = true, .mask = &mask});
}

TEST(LstmWithPeepholes, with_weights_of_zero_is_an_lstm) {
  LstmOptions options = with_peepholes();
  options.peephole = {};
  Lstm layer(options);
  options.use_peepholes = false;
  Lstm plain(options);
  for (Lstm* one : {&layer, &plain}) {
    Random random(3);
    one->build({any_extent, features}, random);
  }
  const Tensor x = normal({batch, steps, features}, 1);
  const Tensor y = layer.forward(x, {});
  EXPECT_TRUE(equal(plain.forward(x, {}), y));
}

TEST(LstmWithPeepholes, comes_back_from_its_config_and_is_reversed) {
  const Lstm layer(with_peepholes());
  const auto again = make_layer({layer.type(), layer.config().dump()});
  EXPECT_EQ(again->config(), layer.config());
  EXPECT_EQ(layer.config()["use_peepholes"], true);
  Bidirectional both(std::make_unique<Lstm>(with_peepholes()));
  Random random(3);
  both.build({any_extent, features}, random);
  EXPECT_EQ(both.parameters().size(), 8U);
}

TEST(LstmWithPeepholes, streams_as_it_predicts) {
  Sequential model;
  model.add(std::make_unique<Lstm>(with_peepholes()));
  model.build({any_extent, features});
  const Tensor x = normal({1, steps, features}, 1);
  const Tensor y = model.predict(x);
  ModelStream stream = model.stream();
  for (i64 t = 0; t < steps; ++t) {
    stream.step(x.as<float>().subspan(std::size_t(t * features), std::size_t(features)));
    EXPECT_TRUE(std::ranges::equal(stream.output(), y.as<float>().subspan(std::size_t(t * 5), 5)));
  }
}

}  // namespace

}  // namespace recurra::test
