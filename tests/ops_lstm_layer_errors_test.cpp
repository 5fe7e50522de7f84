/// What lstm_layer refuses, and how it says so.
#include <cmath>
#include <functional>
#include <limits>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "recurra/ops/lstm_layer_cell.h"
#include "tests/support/lstm_layer_problem.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

using namespace ops;
using enum DirectionMode;
using Problem = LstmLayerProblem;

/// The error of a problem that is right but for one change.
std::string refusal(ErrorCode code, const std::function<void(Problem&)>& change, DirectionMode mode = fwd) {
  Problem p(mode, true);
  change(p);
  return error_text(code, [&] { p.run(); });
}

TEST(LstmLayerRefusals, of_shapes_name_the_tensor_and_both_shapes) {
  const auto text = [](const std::function<void(Problem&)>& change, DirectionMode mode = fwd) {
    return refusal(ErrorCode::shape, change, mode);
  };
  EXPECT_EQ(text([](Problem& p) {
              p.x = Tensor({5, 4});
            }),
            "lstm_layer.x: expected shape (steps, batch, features), got (5, 4)");
  EXPECT_EQ(text([](Problem& p) {
              p.config.format = SequenceFormat::nst;
              p.x = Tensor({5, 4});
            }),
            "lstm_layer.x: expected shape (batch, features, steps), got (5, 4)");
  EXPECT_EQ(text([](Problem& p) {
              p.weights.input_weights = Tensor({4, 22});
            }),
            "lstm_layer.weights.input_weights: expected a last extent of 4 * units, got (4, 22)");
  EXPECT_EQ(text([](Problem& p) {
              p.weights.input_weights = Tensor({4, 0});
            }),
            "lstm_layer.weights.input_weights: expected a last extent of 4 * units, got (4, 0)");
  EXPECT_EQ(text([](Problem& p) {
              p.weights.input_weights = Tensor({3, 20});
            }),
            "lstm_layer.weights.input_weights: expected shape (4, 20) = (features, 4 * units), got (3, 20)");
  EXPECT_EQ(text(
                [](Problem& p) {
                  p.weights.input_weights = Tensor({4, 20});
                },
                bidir_sum),
            "lstm_layer.weights.input_weights: expected shape (2, features, 4 * units), got (4, 20)");
  EXPECT_EQ(text([](Problem& p) {
              p.weights.recurrent_weights = Tensor({4, 20});
            }),
            "lstm_layer.weights.recurrent_weights: expected shape (5, 20) = (units, 4 * units), got (4, 20)");
  EXPECT_EQ(text([](Problem& p) {
              p.weights.biases = Tensor({1, 20});
            }),
            "lstm_layer.weights.biases: expected shape (20,) = (4 * units,), got (1, 20)");
  EXPECT_EQ(text(
                [](Problem& p) {
                  p.weights.peephole_weights = Tensor({3, 15});
                },
                bidir_concat),
            "lstm_layer.weights.peephole_weights: expected shape (2, 15) = (2, 3 * units), got (3, 15)");
  EXPECT_EQ(text([](Problem& p) {
              p.y_last = Tensor({3, 4});
            }),
            "lstm_layer.y_last: expected shape (3, 5) = (batch, units), got (3, 4)");
  EXPECT_EQ(text(
                [](Problem& p) {
                  p.c_last = Tensor({3, 5});
                },
                bidir_sum),
            "lstm_layer.c_last: expected shape (2, 3, 5) = (2, batch, units), got (3, 5)");
  EXPECT_EQ(text([](Problem& p) { p.lengths = Tensor({2}); }),
            "lstm_layer.max_ts_length: expected shape (3,) = (batch,), got (2,)");
}

TEST(LstmLayerRefusals, of_a_missing_weight_and_of_other_elements) {
  EXPECT_EQ(refusal(ErrorCode::invalid_argument, [](Problem& p) { p.weights.recurrent_weights = Tensor(); }),
            "lstm_layer.weights.recurrent_weights: expected a tensor, got none");
  EXPECT_EQ(refusal(ErrorCode::dtype,
                    [](Problem& p) {
                      p.x = Tensor({5, 3, 4}, Dtype::u8);
                    }),
            "lstm_layer.x: expected f32, got u8");
}

TEST(LstmLayerRefusals, of_lengths_name_the_row) {
  const auto text = [](const std::vector<float>& lengths) {
    return refusal(ErrorCode::invalid_argument, [&](Problem& p) { p.lengths = floats({3}, lengths); });
  };
  EXPECT_EQ(text({5, 6, 0}), "lstm_layer.max_ts_length[1]: expected a whole number from 0 to 5, got 6");
  EXPECT_EQ(text({5, 5, -1}), "lstm_layer.max_ts_length[2]: expected a whole number from 0 to 5, got -1");
  EXPECT_EQ(text({2.5F, 5, 1}), "lstm_layer.max_ts_length[0]: expected a whole number from 0 to 5, got 2.5");
  EXPECT_EQ(text({std::nanf(""), 5, 1}),
            "lstm_layer.max_ts_length[0]: expected a whole number from 0 to 5, got nan");
}

TEST(LstmLayerRefusals, of_configs) {
  const auto text = [](ErrorCode code, const std::function<void(LstmLayerConfig&)>& change) {
    return refusal(code, [&](Problem& p) { change(p.config); });
  };
  constexpr auto invalid = ErrorCode::invalid_argument;
  EXPECT_EQ(
      text(invalid, [](auto& c) { c.format = SequenceFormat::t2ns; }),
      "lstm_layer.format: expected TNS, NST or NTS for another direction than BIDIR_EXTRA_DIM, got T2NS");
  EXPECT_EQ(text(invalid,
                 [](auto& c) {
                   c.direction = bidir_extra_dim;
                   c.format = SequenceFormat::nts;
                 }),
            "lstm_layer.format: expected T2NS or TNS for BIDIR_EXTRA_DIM, got NTS");
  for (const float clip : {-1.0F, std::numeric_limits<float>::infinity(), std::nanf("")}) {
    EXPECT_EQ(text(invalid, [&](auto& c) { c.cell_clip = clip; }).substr(0, 78),
              "lstm_layer.cell_clip: expected a finite number from 0 up, 0 for no clip, got " +
                  std::string(clip < 0   ? "-"
                              : clip > 0 ? "i"
                                         : "n"));
  }
  EXPECT_EQ(
      text(invalid, [](auto& c) { c.return_sequence = c.return_last_h = c.return_last_c = false; }),
      "lstm_layer.config: expected at least one of return_sequence, return_last_h and return_last_c, got "
      "none");
  EXPECT_EQ(text(ErrorCode::unsupported, [](auto& c) { c.format = SequenceFormat(7); }),
            "lstm_layer.format \"7\": supported are TNS, NST, NTS, T2NS");
  EXPECT_EQ(text(ErrorCode::unsupported, [](auto& c) { c.direction = DirectionMode(5); }),
            "lstm_layer.direction \"5\": supported are FWD, BWD, BIDIR_SUM, BIDIR_CONCAT, BIDIR_EXTRA_DIM");
  EXPECT_EQ(text(ErrorCode::unsupported, [](auto& c) { c.out_activation = RnnActivation(11); }),
            "lstm_layer.out_activation \"11\": supported are TANH, RELU, SIGMOID, AFFINE, LEAKY_RELU, "
            "THRESHOLD_RELU, SCALED_TANH, HARD_SIGMOID, ELU, SOFTSIGN, SOFTPLUS");
  EXPECT_EQ(text(invalid, [](auto& c) { c.gate_activation = RnnActivation::affine; }),
            "lstm_layer.gate_alpha: expected a number for AFFINE, got none");
  EXPECT_EQ(text(invalid, [](auto& c) { c.cell_beta = 2.0F; }),
            "lstm_layer.cell_beta: expected none for TANH, got 2");
  EXPECT_EQ(text(invalid,
                 [](auto& c) {
                   c.out_activation = RnnActivation::elu;
                   c.out_alpha = -1.0F;
                 }),
            "lstm_layer.out_activation elu: expected alpha from 0 up, got -1");
}

TEST(LstmLayerRefusals, say_the_name_a_call_was_given) {
  Problem p(fwd);
  p.x = Tensor({5, 4});
  EXPECT_EQ(error_text(ErrorCode::shape, [&] { p.run({.name = "encoder"}); }),
            "encoder.x: expected shape (steps, batch, features), got (5, 4)");
}

TEST(LstmLayerRefusals, of_seeds) {
  Problem p(fwd);
  p.config.return_last_c = false;
  const auto text = [&](const LstmLayerOutputs& seeds) {
    return error_text(ErrorCode::shape,
                      [&] { lstm_layer_gradient(p.x, p.weights, p.config, p.start(), seeds); });
  };
  EXPECT_EQ(text({{}, Tensor({3, 4}), {}}),
            "lstm_layer: gradient of output 1: expected shape (3, 5), got (3, 4)");
  EXPECT_EQ(text({{}, {}, Tensor({3, 5})}),
            "lstm_layer: gradient of output 2: expected none, since it was not returned, got (3, 5)");
}

TEST(LstmLayerRefusals, of_more_than_a_step_by_the_cell) {
  Problem p(fwd);
  const auto text = [&](ErrorCode code) {
    return error_text(code, [&] { lstm_layer_cell(p.x, p.weights, p.config, p.start()); });
  };
  EXPECT_EQ(text(ErrorCode::shape),
            "lstm_layer_cell.x: expected shape (batch, features) or (features,), got (5, 3, 4)");
  p.lengths = Tensor({3});
  EXPECT_EQ(text(ErrorCode::unsupported),
            "lstm_layer_cell.max_ts_length \"a tensor\": supported are none for one step");
  p.lengths = Tensor();
  p.config.format = SequenceFormat::nts;
  EXPECT_EQ(text(ErrorCode::unsupported), "lstm_layer_cell.format \"NTS\": supported are TNS for one step");
  p.config = {.direction = bwd};
  EXPECT_EQ(text(ErrorCode::unsupported),
            "lstm_layer_cell.direction \"BWD\": supported are FWD for one step");
}

TEST(RnnActivation, has_the_pages_names) {
  EXPECT_EQ(parse_rnn_activation("THRESHHOLD_RELU", "gateAct"), RnnActivation::threshold_relu);
  EXPECT_EQ(parse_rnn_activation("scaled_tanh", "gateAct"), RnnActivation::scaled_tanh);
  EXPECT_EQ(parse_rnn_activation("SCALED_TAHN", "gateAct"), RnnActivation::scaled_tanh);
  EXPECT_EQ(int(parse_rnn_activation("softplus", "gateAct")), 10);
  EXPECT_EQ(error_text(ErrorCode::unsupported, [] { parse_rnn_activation("GELU", "gateAct"); }),
            "gateAct \"GELU\": supported are TANH, RELU, SIGMOID, AFFINE, LEAKY_RELU, THRESHOLD_RELU, "
            "SCALED_TANH, HARD_SIGMOID, ELU, SOFTSIGN, SOFTPLUS");
}

TEST(RnnActivation, has_onnx_numbers_by_default) {
  const auto of = [](RnnActivation kind) {
    return activation_of(kind, {}, {}, "gate");
  };
  EXPECT_EQ(of(RnnActivation::leaky_relu), (Activation{ActivationKind::leaky_relu, 0.01F}));
  EXPECT_EQ(of(RnnActivation::threshold_relu), (Activation{ActivationKind::thresholded_relu, 1}));
  EXPECT_EQ(of(RnnActivation::elu), (Activation{ActivationKind::elu, 1}));
  EXPECT_EQ(of(RnnActivation::hard_sigmoid), (Activation{ActivationKind::hard_sigmoid, 0.2F, 0.5F}));
  EXPECT_EQ(activation_of(RnnActivation::hard_sigmoid, 0.3F, 0.4F, "gate").alpha, 0.3F);
}

}  // namespace

}  // namespace recurra::test
