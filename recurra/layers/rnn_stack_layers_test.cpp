#include "recurra/layers/rnn_stack_layers.h"

#include <algorithm>
#include <cstring>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/layers/recurrent.h"
#include "recurra/training/rnn_stack_conversion.h"
#include "tests/support/layer_gradients.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

using Json = nlohmann::json;

constexpr i64 batch = 3, steps = 6, features = 4, units = 5;

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

Sequential stack_of(RecurrentOp op, bool bidirectional, i64 layers, bool sequences) {
  Sequential model("stacked");
  model.add(std::make_unique<OptimizedRnnStack>(OptimizedRnnStackOptions{.units = units,
                                                                         .layers = layers,
                                                                         .bidirectional = bidirectional,
                                                                         .op = op,
                                                                         .return_sequences = sequences},
                                                "stack"));
  model.add(make_layer({"Dense", R"({"units": 2})"}));
  model.build({any_extent, features}, 5);
  // Biases of all parts, so that it matters what becomes of each.
  std::vector<Tensor> weights = model.get_weights();
  weights[0] = normal(weights[0].shape(), 3);
  for (float& value : weights[0].as<float>()) value *= 0.4F;
  model.set_weights(weights);
  return model;
}

/// Calls visit(model) for stacks of all ops, directions and depths.
template <class Visit>
void for_each_stack(Visit visit) {
  for (const RecurrentOp op :
       {RecurrentOp::lstm, RecurrentOp::gru, RecurrentOp::rnn_tanh, RecurrentOp::rnn_relu}) {
    for (const bool both : {false, true}) {
      for (const i64 layers : {1, 3}) {
        for (const bool sequences : {false, true}) {
          SCOPED_TRACE(std::string(name_of(op)) + (both ? " bi " : " ") + std::to_string(layers));
          visit(stack_of(op, both, layers, sequences));
        }
      }
    }
  }
}

TEST(RnnStackLayers, have_the_bits_of_the_stack) {
  const Tensor x = normal({batch, steps, features}, 1);
  const std::vector<int> lengths = {4, 6, 1};
  Examples holes;
  holes.x = x;
  holes.mask = Tensor({batch, steps}, Dtype::u8);
  for (i64 i = 0; i < batch * steps; ++i) holes.mask.as<std::uint8_t>()[std::size_t(i)] = i % 3 != 1;
  for_each_stack([&](Sequential model) {
    ConvertedModel split = split_rnn_stacks(model);
    EXPECT_TRUE(same_bits(split.model.predict(x), model.predict(x)));
    EXPECT_TRUE(same_bits(split.model.predict(x, lengths), model.predict(x, lengths)));
    EXPECT_TRUE(same_bits(split.model.predict(holes), model.predict(holes)));
    const auto& options = dynamic_cast<OptimizedRnnStack&>(*model.layers()[0]).options();
    EXPECT_EQ(i64(split.model.layers().size()), options.layers + 1);
    EXPECT_STREQ(split.model.layers()[0]->type(),
                 options.bidirectional             ? "Bidirectional"
                 : options.op == RecurrentOp::lstm ? "LSTM"
                 : options.op == RecurrentOp::gru  ? "GRU"
                                                   : "SimpleRNN");
  });
}

TEST(RnnStackLayers, made_a_stack_again_have_its_bits) {
  const Tensor x = normal({batch, steps, features}, 1);
  const std::vector<int> lengths = {4, 6, 1};
  for_each_stack([&](Sequential model) {
    ConvertedModel split = split_rnn_stacks(model);
    ConvertedModel joined = join_rnn_stacks(split.model);
    ASSERT_EQ(joined.model.layers().size(), 2U);
    EXPECT_TRUE(same_bits(joined.model.predict(x), model.predict(x)));
    EXPECT_TRUE(same_bits(joined.model.predict(x, lengths), model.predict(x, lengths)));
    // A GRU keeps both biases, so its blob is the one it came from; others have their sum.
    const auto& stack = dynamic_cast<OptimizedRnnStack&>(*joined.model.layers()[0]);
    const auto& first = dynamic_cast<OptimizedRnnStack&>(*model.layers()[0]);
    EXPECT_EQ(same_bits(joined.model.get_weights()[0], model.get_weights()[0]),
              first.options().op == RecurrentOp::gru);
    EXPECT_EQ(stack.layout().shape(), first.layout().shape());
    // What is split once more is as before.
    const std::vector<Tensor> once = split.model.get_weights();
    const std::vector<Tensor> twice = split_rnn_stacks(joined.model).model.get_weights();
    ASSERT_EQ(once.size(), twice.size());
    for (std::size_t i = 0; i < once.size(); ++i) EXPECT_TRUE(same_bits(once[i], twice[i])) << i;
  });
}

TEST(RnnStackLayers, have_the_sum_of_the_two_biases_or_of_a_gru_both) {
  for (const RecurrentOp op : {RecurrentOp::lstm, RecurrentOp::gru}) {
    Sequential model = stack_of(op, false, 1, true);
    auto& stack = dynamic_cast<OptimizedRnnStack&>(*model.layers()[0]);
    const LayersWithWeights split = split_rnn_stack(stack);
    const Tensor& bias = split.weights.at(2);
    const BlobLayout& layout = stack.layout();
    const float* blob = model.get_weights()[0].data();
    const std::vector<Tensor> all = model.get_weights();
    blob = all[0].data();
    const float* b_W = blob + layout.offset(0, 0, BlobPart::b_W);
    const float* b_R = blob + layout.offset(0, 0, BlobPart::b_R);
    if (op == RecurrentOp::lstm) {
      for (i64 i = 0; i < 4 * units; ++i) EXPECT_EQ(bias.data()[i], b_W[i] + b_R[i]);
      continue;
    }
    // The layer's gates are z r h, the blob's r u n.
    constexpr i64 places[] = {1, 0, 2};
    for (i64 i = 0; i < 3 * units; ++i) {
      const i64 place = places[i / units] * units + i % units;
      EXPECT_EQ(bias.data()[i], b_W[place]);
      EXPECT_EQ(bias.data()[3 * units + i], b_R[place]);
    }
  }
}

TEST(RnnStackLayers, learn_with_the_gradients_of_the_stack) {
  // Without a dropout both models compute the same, so x has one gradient.
  const Tensor x = normal({batch, steps, features}, 1);
  Sequential model = stack_of(RecurrentOp::gru, true, 2, true);
  ConvertedModel split = split_rnn_stacks(model);
  const Context training{.training = true};
  Layer& stack = *model.layers()[0];
  const Tensor y = stack.forward(x, training);
  const Tensor d = normal(y.shape(), 2);
  const Tensor dx = stack.backward(x, d, true, training);
  Layer& lower = *split.model.layers()[0];
  Layer& upper = *split.model.layers()[1];
  const Tensor between = lower.forward(x, training);
  static_cast<void>(upper.forward(between, training));
  const Tensor d_between = upper.backward(between, d, true, training);
  EXPECT_TRUE(same_bits(lower.backward(x, d_between, true, training), dx));
}

ModelSpec spec_of(const std::vector<std::pair<const char*, Json>>& layers) {
  ModelSpec spec;
  for (const auto& [type, config] : layers) spec.layers.push_back({type, config.dump()});
  return spec;
}

Json recurrent(i64 width, bool sequences) {
  return {{"units", width}, {"return_sequences", sequences}};
}

Json both_ways(const char* type, const Json& config) {
  return {{"layer", {{"class_name", type}, {"config", config}}}};
}

TEST(RnnStackLayers, of_any_model_are_joined_where_they_are_alike) {
  const Tensor x = normal({batch, steps, features}, 1);
  Sequential model(spec_of({{"LSTM", recurrent(6, true)},
                            {"LSTM", recurrent(6, true)},
                            {"LSTM", recurrent(4, true)},
                            {"BatchNormalization", Json::object()},
                            {"Bidirectional", both_ways("GRU", recurrent(4, true))},
                            {"Bidirectional", both_ways("GRU", recurrent(4, false))},
                            {"Dense", {{"units", 2}}}}));
  model.build({steps, features}, 7);
  ConvertedModel joined = join_rnn_stacks(model);
  EXPECT_EQ(joined.changes,
            (std::vector<std::string>{"lstm, lstm_1 -> rnn_stack",
                                      "lstm_2 -> rnn_stack_1",
                                      "bidirectional, bidirectional_1 -> rnn_stack_2"}));
  EXPECT_EQ(joined.model.layers().size(), 5U);
  EXPECT_TRUE(same_bits(joined.model.predict(x), model.predict(x)));
}

TEST(RnnStackLayers, without_a_bias_get_one_of_zeros) {
  const Tensor x = normal({batch, steps, features}, 1);
  for (const char* type : {"LSTM", "GRU", "SimpleRNN"}) {
    Json config = recurrent(6, false);
    config["use_bias"] = false;
    Sequential model(spec_of({{type, config}}));
    model.build({steps, features}, 7);
    EXPECT_TRUE(same_bits(join_rnn_stacks(model).model.predict(x), model.predict(x)));
  }
}

TEST(RnnStackLayers, keep_the_sign_of_a_bias_of_zero) {
  Sequential model(spec_of({{"SimpleRNN", {{"units", 2}, {"activation", "relu"}}}}));
  model.build({steps, features}, 7);
  std::vector<Tensor> weights = model.get_weights();
  weights[2].data()[0] = -0.0F;
  model.set_weights(weights);
  const ConvertedModel joined = join_rnn_stacks(model);
  const std::vector<Tensor> again = split_rnn_stacks(joined.model).model.get_weights();
  EXPECT_TRUE(same_bits(again[2], weights[2]));
}

TEST(RnnStackLayers, with_dropout_come_from_and_become_stacks_with_dropout) {
  Json lower = recurrent(6, true);
  Json upper = recurrent(6, true);
  upper["dropout"] = 0.25;
  Sequential model(spec_of({{"LSTM", lower}, {"LSTM", upper}, {"LSTM", upper}}));
  model.build({steps, features}, 7);
  const ConvertedModel joined = join_rnn_stacks(model);
  const auto& stack = dynamic_cast<OptimizedRnnStack&>(*joined.model.layers()[0]);
  EXPECT_EQ(stack.options().dropout, 0.25);
  const ConvertedModel split = split_rnn_stacks(joined.model);
  std::vector<double> shares;
  for (const auto& layer : split.model.layers())
    shares.push_back(dynamic_cast<Recurrent&>(*layer).recurrent_options().dropout);
  EXPECT_EQ(shares, (std::vector<double>{0, 0.25, 0.25}));
}

TEST(RnnStackLayers, that_cannot_be_joined_say_why) {
  const auto why = [](std::vector<std::pair<const char*, Json>> layers) {
    Sequential model(spec_of(layers));
    model.build({steps, features}, 7);
    std::vector<Layer*> all;
    for (const auto& layer : model.layers()) all.push_back(layer.get());
    return error_text(ErrorCode::unsupported, [&] { static_cast<void>(join_rnn_stack(all, "stack")); });
  };
  const auto text = [](const char* name, const char* obstacle) {
    return std::string(name) + " \"" + obstacle +
           "\": supported are LSTM, GRU with reset_after and SimpleRNN, in one direction or in both, alike";
  };
  const auto with = [](const char* key, const Json& value) {
    Json config = recurrent(6, true);
    config[key] = value;
    return config;
  };
  const Json plain = recurrent(6, true);
  EXPECT_EQ(why({{"Dense", {{"units", 2}}}}),
            text("dense", "it is no LSTM, GRU, SimpleRNN or Bidirectional"));
  EXPECT_EQ(why({{"LSTM", with("go_backwards", true)}}), text("lstm", "it goes backwards"));
  EXPECT_EQ(why({{"LSTM", with("stateful", true)}}), text("lstm", "it is stateful"));
  EXPECT_EQ(why({{"LSTM", with("recurrent_dropout", 0.5)}}), text("lstm", "it has recurrent_dropout 0.5"));
  EXPECT_EQ(why({{"LSTM", with("dropout", 0.5)}}), text("lstm", "it drops out of the stack's input"));
  const char* const equations = "no op of the stack has its equations and activations";
  EXPECT_EQ(why({{"LSTM", with("activation", "relu")}}), text("lstm", equations));
  EXPECT_EQ(why({{"LSTM", with("recurrent_activation", "hard_sigmoid")}}), text("lstm", equations));
  EXPECT_EQ(why({{"GRU", with("reset_after", false)}}), text("gru", equations));
  EXPECT_EQ(why({{"SimpleRNN", with("activation", "linear")}}), text("simple_rnn", equations));
  const Json l2 = {{"class_name", "L2"}, {"config", {{"l2", 0.5}}}};
  EXPECT_EQ(why({{"LSTM", with("kernel_regularizer", l2)}}),
            text("lstm", "a weight of its own has a regularizer or constraint"));
  EXPECT_EQ(why({{"LSTM", with("activity_regularizer", l2)}}),
            text("lstm", "it has an activity_regularizer"));
  Json summed = both_ways("LSTM", plain);
  summed["merge_mode"] = "sum";
  EXPECT_EQ(why({{"Bidirectional", summed}}),
            text("bidirectional", "its directions are not put side by side"));
  EXPECT_EQ(why({{"LSTM", plain}, {"LSTM", recurrent(5, true)}}),
            text("lstm_1", "it has other units than the layer below"));
  EXPECT_EQ(why({{"LSTM", plain}, {"GRU", plain}}), text("gru", "it has another op than the layer below"));
  EXPECT_EQ(why({{"LSTM", plain}, {"Bidirectional", both_ways("LSTM", plain)}}),
            text("bidirectional", "it has other directions than the layer below"));
  EXPECT_EQ(why({{"LSTM", plain}, {"LSTM", with("trainable", false)}}),
            text("lstm_1", "one of it and the layer below learns, not both"));
  EXPECT_EQ(why({{"LSTM", plain}, {"LSTM", with("dropout", 0.5)}, {"LSTM", with("dropout", 0.25)}}),
            text("lstm_2", "it drops out another share than the layer below"));
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [] { static_cast<void>(join_rnn_stack({}, "stack")); }),
            "layers: expected at least one, got none");
}

TEST(RnnStackLayers, are_not_made_of_a_stack_with_rules_for_all_weights) {
  OptimizedRnnStack stack({.units = units}, "stack");
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { static_cast<void>(split_rnn_stack(stack)); }),
            "stack: expected a stack that is built, got one that is not");
  const auto l2 =
      make_layer({"OptimizedRNNStack",
                  R"({"units": 5, "weights_regularizer": {"class_name": "L2", "config": {"l2": 1}}})"});
  Random random(1);
  l2->build({steps, features}, random);
  EXPECT_EQ(
      error_text(ErrorCode::unsupported,
                 [&] { static_cast<void>(split_rnn_stack(dynamic_cast<OptimizedRnnStack&>(*l2))); }),
      "optimized_rnn_stack \"one that is about all weights together\": supported are stacks whose weights "
      "have no regularizer and no constraint");
}

TEST(ConvertedModel, keeps_what_the_model_was) {
  Sequential model = stack_of(RecurrentOp::lstm, true, 2, false);
  model.compile(make_optimizer("adam", 0.125), make_loss("mean_squared_error"), {"mean_absolute_error"});
  model.set_metadata("made by", "a test");
  Examples examples;
  examples.x = normal({8, steps, features}, 1);
  examples.y = normal({8, 2}, 2);
  FitOptions options;
  options.epochs = 2;
  model.fit(examples, options);
  Sequential split = split_rnn_stacks(model).model;
  EXPECT_EQ(split.name(), "stacked");
  EXPECT_EQ(split.metadata().at("made by"), "a test");
  EXPECT_EQ(split.epochs_done(), 2);
  EXPECT_EQ(split.optimizer()->config(), model.optimizer()->config());
  EXPECT_EQ(split.optimizer()->iterations(), 0);
  const TemporaryFolder folder;
  split.save(folder / "split.safetensors");
  Sequential loaded = Sequential::load(folder / "split.safetensors");
  EXPECT_EQ(loaded.evaluate(examples), model.evaluate(examples));
}

TEST(ConvertedModel, is_refused_where_there_is_nothing_to_convert) {
  Sequential dense(parse_model("dense:3,dense:2"));
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { static_cast<void>(split_rnn_stacks(dense)); }),
            "sequential: expected a model that is built, got one that is not");
  dense.build({features});
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { static_cast<void>(split_rnn_stacks(dense)); }),
            "sequential: expected a model with an OptimizedRNNStack, got Dense, Dense");
  EXPECT_EQ(
      error_text(ErrorCode::invalid_argument, [&] { static_cast<void>(join_rnn_stacks(dense)); }),
      "sequential: expected a model with recurrent layers that can be a stack, got dense: it is no LSTM, "
      "GRU, SimpleRNN or Bidirectional; dense_1: it is no LSTM, GRU, SimpleRNN or Bidirectional");
}

}  // namespace

}  // namespace recurra::test
