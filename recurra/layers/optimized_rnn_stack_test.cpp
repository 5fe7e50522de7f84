#include "recurra/layers/optimized_rnn_stack.h"

#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/layers/model_spec.h"
#include "recurra/stack/rnn_stack.h"
#include "recurra/training/sequential.h"
#include "tests/support/layer_gradients.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

using Json = nlohmann::json;

constexpr i64 batch = 3, steps = 5, features = 4, units = 5;
constexpr RecurrentOp ops[] = {
    RecurrentOp::lstm, RecurrentOp::gru, RecurrentOp::rnn_tanh, RecurrentOp::rnn_relu};

bool equal(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::ranges::equal(a.as<float>(), b.as<float>());
}

OptimizedRnnStackOptions options_of(RecurrentOp op, bool bidirectional) {
  return {.units = units, .layers = 2, .bidirectional = bidirectional, .op = op};
}

void build(Layer& layer) {
  Random random(4);
  layer.build({any_extent, features}, random);
}

TEST(OptimizedRnnStackLayer, computes_what_the_function_does) {
  const std::vector<int> lengths = {4, 5, 2};
  const StepMask mask = StepMask::of_lengths(lengths, steps);
  const Tensor x = normal({batch, steps, features}, 1);
  for (const RecurrentOp op : ops) {
    for (const bool both : {false, true}) {
      OptimizedRnnStack layer(options_of(op, both));
      build(layer);
      const RnnStackOptions options{.units = units, .layers = 2, .bidirectional = both, .op = op};
      const RnnStackOutputs expected =
          optimized_rnn_stack(layer.parameters()[0]->value, x, options, {.lengths = lengths});
      EXPECT_TRUE(equal(layer.forward(x, {.mask = &mask}), expected.y));

      OptimizedRnnStackOptions last = options_of(op, both);
      last.return_sequences = false;
      OptimizedRnnStack only_last(last);
      build(only_last);
      const Tensor y = only_last.forward(x, {.mask = &mask});
      ASSERT_EQ(y.shape(), (Shape{batch, both ? 2 * units : units}));
      for (i64 row = 0; row < batch; ++row) {
        for (i64 d = 0; d < (both ? 2 : 1); ++d) {
          const float* h = expected.final_h.data() + (((both ? 2 : 1) + d) * batch + row) * units;
          EXPECT_TRUE(std::equal(h, h + units, y.data() + row * y.shape()[1] + d * units));
        }
      }
    }
  }
}

TEST(OptimizedRnnStackLayer, has_the_gradients_of_input_and_weights) {
  const std::vector<int> lengths = {4, 5, 2};
  const StepMask mask = StepMask::of_lengths(lengths, steps);
  for (const RecurrentOp op : {RecurrentOp::lstm, RecurrentOp::gru, RecurrentOp::rnn_tanh}) {
    for (const bool both : {false, true}) {
      for (const bool sequences : {false, true}) {
        SCOPED_TRACE(std::string(name_of(op)) + (both ? " bi" : "") + (sequences ? " sequences" : ""));
        OptimizedRnnStackOptions options = options_of(op, both);
        options.return_sequences = sequences;
        options.dropout = both ? 0.3 : 0;
        OptimizedRnnStack layer(options);
        build(layer);
        const i64 width = both ? 2 * units : units;
        const Tensor d = normal(sequences ? Shape{batch, steps, width} : Shape{batch, width}, 2);
        expect_gradients(layer, normal({batch, steps, features}, 1), d, {.training = true, .mask = &mask});
      }
    }
  }
}

TEST(OptimizedRnnStackLayer, draws_dropout_in_training_only) {
  OptimizedRnnStackOptions options = options_of(RecurrentOp::lstm, true);
  options.dropout = 0.5;
  OptimizedRnnStack layer(options);
  build(layer);
  const Tensor x = normal({batch, steps, features}, 1);
  layer.forward(x, {});
  EXPECT_TRUE(layer.dropout_factors().empty());
  layer.forward(x, {.training = true});
  ASSERT_EQ(layer.dropout_factors().size(), 1U);
  const Tensor first = layer.dropout_factors()[0];
  EXPECT_EQ(first.shape(), (Shape{batch, 2 * units}));
  for (const float factor : first.as<float>()) EXPECT_TRUE(factor == 0 || factor == 2);
  layer.forward(x, {.training = true, .dropout = {.update = 1}});
  EXPECT_FALSE(equal(layer.dropout_factors()[0], first));
}

TEST(OptimizedRnnStackLayer, gives_no_gradient_where_it_does_not_learn) {
  OptimizedRnnStack layer(options_of(RecurrentOp::gru, true));
  layer.set_trainable(false);
  build(layer);
  const Tensor x = normal({batch, steps, features}, 1);
  const Tensor d = normal(layer.forward(x, {.training = true}).shape(), 2);
  EXPECT_EQ(layer.backward(x, d, true, {.training = true}).shape(), x.shape());
  EXPECT_EQ(layer.parameters()[0]->gradient.size(), 0);
}

TEST(OptimizedRnnStackLayer, comes_back_from_its_config) {
  const Json configs[] = {
      {{"units", 7}},
      {{"units", 7},
       {"layers", 3},
       {"bidirectional", true},
       {"recurrent_op", "rnnReLU"},
       {"weights_initializer", "he_normal"},
       {"recurrent_initializer", "glorot_normal"},
       {"weights_regularizer", {{"class_name", "L2"}, {"config", {{"l2", 0.5}}}}},
       {"init_value_scale", 0.5},
       {"forget_bias", 2.0},
       {"dropout", 0.25},
       {"seed", 3},
       {"return_sequences", false}},
      {{"units", 7}, {"start", "whole"}, {"init_output_rank", 1}},
  };
  for (const Json& config : configs) {
    const auto layer = make_layer({"OptimizedRNNStack", config.dump()});
    const auto again = make_layer({layer->type(), layer->config().dump()});
    EXPECT_EQ(again->config(), layer->config());
    for (const auto& [key, value] : config.items()) {
      const bool as_given = !value.is_object() && !key.ends_with("initializer");
      EXPECT_TRUE(!as_given || layer->config()[key] == value) << key;
    }
  }
}

TEST(OptimizedRnnStackLayer, is_refused_with_arguments_there_are_not) {
  const auto text = [](Json config) {
    config["name"] = "stack";
    return error_text([&] { static_cast<void>(make_layer({"OptimizedRNNStack", config.dump()})); });
  };
  EXPECT_EQ(text({{"units", 7}, {"recurrent_op", "elman"}}),
            "OptimizedRNNStack.recurrent_op \"elman\": supported are lstm, gru, rnnTanh, rnnReLU");
  EXPECT_EQ(text({{"units", 7}, {"start", "half"}}),
            "OptimizedRNNStack.start \"half\": supported are parts, whole");
  EXPECT_EQ(text({{"units", 0}}), "units: expected 1 to 1048576, got 0");
  EXPECT_EQ(text({{"units", 7}, {"layers", 0}}), "layers: expected 1 to 1048576, got 0");
  EXPECT_EQ(text({{"units", 7}, {"dropout", 0.5}}),
            "dropout: expected 0 for a single layer: it stands between layers, got 0.5");
  EXPECT_EQ(text({{"units", 7}, {"start", "whole"}, {"forget_bias", 2}}),
            "forget_bias: expected its default but with BlobStart::parts, got another");
  EXPECT_EQ(text({{"units", 7}, {"start", "whole"}, {"recurrent_initializer", "zeros"}}),
            "recurrent_initializer: expected its default but with BlobStart::parts, got another");
  EXPECT_EQ(text({{"units", 7}, {"init_output_rank", 1}}),
            "init_output_rank: expected its default but with BlobStart::whole, got another");
  EXPECT_EQ(text({{"units", 7}, {"start", "whole"}, {"init_output_rank", 2}}),
            "init_output_rank: expected -1 or 1, got 2");
  EXPECT_NE(text({{"units", 7}, {"use_peepholes", true}}).find("\"use_peepholes\": supported are"),
            std::string::npos);
}

TEST(OptimizedRnnStackLayer, takes_dense_sequences_alone) {
  OptimizedRnnStack layer(options_of(RecurrentOp::lstm, true), "stack");
  Random random(4);
  EXPECT_EQ(error_text(ErrorCode::shape, [&] { layer.build({features}, random); }),
            "stack: expected input (batch, steps, features) of dense features, got (batch, ...) with (4,)");
  EXPECT_EQ(
      error_text(ErrorCode::shape,
                 [&] {
                   layer.build({steps, any_extent}, random);
                 }),
      "stack: expected input (batch, steps, features) of dense features, got (batch, ...) with (5, -1)");
  build(layer);
  EXPECT_EQ(error_text(ErrorCode::shape,
                       [&] {
                         layer.forward(Tensor({batch, steps, 3}), {});
                       }),
            "stack.input: expected (batch, steps, 4), got (3, 5, 3)");
  EXPECT_EQ(error_text(ErrorCode::dtype,
                       [&] {
                         layer.forward(Tensor({batch, steps, features}, Dtype::i32), {});
                       }),
            "stack.input: expected f32, got i32");
}

TEST(OptimizedRnnStackLayer, has_a_short_text) {
  const ModelSpec spec = parse_model("rnn_stack:bilstm:6x3,rnn_stack:rnnTanh:4x1,dense:2");
  Sequential model(spec);
  model.build({steps, features});
  const auto& first = dynamic_cast<OptimizedRnnStack&>(*model.layers()[0]).options();
  EXPECT_EQ(first.op, RecurrentOp::lstm);
  EXPECT_EQ(first.units, 6);
  EXPECT_EQ(first.layers, 3);
  EXPECT_TRUE(first.bidirectional);
  EXPECT_TRUE(first.return_sequences);
  const auto& second = dynamic_cast<OptimizedRnnStack&>(*model.layers()[1]).options();
  EXPECT_EQ(second.op, RecurrentOp::rnn_tanh);
  EXPECT_FALSE(second.bidirectional);
  EXPECT_FALSE(second.return_sequences);
  const std::string expected =
      ": expected an op (lstm, gru, rnnTanh, rnnReLU, or of both directions bilstm, …), units and layers, as "
      "bilstm:512x3, got ";
  const auto text = [](const std::string& model) {
    return error_text([&] { static_cast<void>(parse_model(model)); });
  };
  EXPECT_EQ(text("rnn_stack:lstm:6"), "layer \"rnn_stack:lstm:6\"" + expected + "lstm:6");
  EXPECT_EQ(text("rnn_stack:lstm:6x0"), "layer \"rnn_stack:lstm:6x0\"" + expected + "lstm:6x0");
  EXPECT_EQ(text("rnn_stack"), "layer \"rnn_stack\"" + expected + "nothing");
  EXPECT_EQ(text("rnn_stack:bielman:6x2"), "rnn_stack \"elman\": supported are lstm, gru, rnnTanh, rnnReLU");
}

TEST(OptimizedRnnStackLayer, learns_in_a_model_that_is_saved_and_loaded) {
  Sequential model(parse_model("rnn_stack:bigru:6x2,dense:1"));
  Examples examples;
  examples.x = normal({32, steps, features}, 1);
  examples.y = Tensor({32, 1});
  for (i64 row = 0; row < 32; ++row) examples.y.data()[row] = examples.x.data()[row * steps * features];
  model.compile(make_optimizer("adam", 0.02), make_loss("mean_squared_error"));
  FitOptions options;
  options.epochs = 60;
  const History history = model.fit(examples, options);
  EXPECT_LT(history.epochs.back().at("loss"), 0.5 * history.epochs.front().at("loss"));
  EXPECT_EQ(model.layers()[0]->parameters()[0]->value.size(),
            BlobLayout({RecurrentOp::gru, features, 6, 2, true}).parameters());

  const TemporaryFolder folder;
  model.save(folder / "model.safetensors");
  Sequential loaded = Sequential::load(folder / "model.safetensors");
  EXPECT_TRUE(equal(loaded.predict(examples.x), model.predict(examples.x)));
  std::ostringstream summary;
  loaded.summary(summary);
  EXPECT_NE(summary.str().find("OptimizedRNNStack"), std::string::npos) << summary.str();
}

}  // namespace

}  // namespace recurra::test
