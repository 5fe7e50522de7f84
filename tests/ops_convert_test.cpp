/// Weights of one operation make another compute the same, and come back as they were.
#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "recurra/ops/convert_weights.h"
#include "tests/support/op_formats.h"
#include "tests/support/op_gradients.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

using namespace ops;

constexpr i64 steps = 4, batch = 3, features = 4, units = 5;

TEST(ConvertWeights, lstm_layer_computes_what_lstm_block_does_and_back) {
  const Tensor x = normal_tensor({steps, batch, features}, 1);
  const LstmWeights block{normal_tensor({features + units, 4 * units}, 2, 0.5F),
                          normal_tensor({4 * units}, 3, 0.5F),
                          normal_tensor({units}, 4),
                          normal_tensor({units}, 5),
                          normal_tensor({units}, 6)};
  const LstmBlockOutputs y = lstm_block(x, block, {.peephole = true, .forget_bias = 1});
  EXPECT_EQ(values_of(lstm_layer(x, layer_weights_of(block, features, 1)).h), values_of(y.y));

  const LstmWeights again = block_weights_of(layer_weights_of(block, features));
  EXPECT_EQ(values_of(again.weights), values_of(block.weights));
  EXPECT_EQ(values_of(again.biases), values_of(block.biases));
  EXPECT_EQ(values_of(again.input_peephole), values_of(block.input_peephole));
  EXPECT_EQ(values_of(again.forget_peephole), values_of(block.forget_peephole));
  EXPECT_EQ(values_of(again.output_peephole), values_of(block.output_peephole));
}

TEST(ConvertWeights, what_was_left_out_stays_so_but_for_a_forget_bias) {
  const LstmWeights block{normal_tensor({features + units, 4 * units}, 2)};
  const LstmLayerWeights layer = layer_weights_of(block, features);
  EXPECT_EQ(layer.biases.size() + layer.peephole_weights.size(), 0);
  EXPECT_EQ(block_weights_of(layer).biases.size(), 0);
  const LstmLayerWeights biased = layer_weights_of(block, features, 2);
  for (i64 k = 0; k < 4 * units; ++k) EXPECT_EQ(biased.biases.data()[k], k / units == 1 ? 2 : 0);
}

TEST(ConvertWeights, gru_layer_computes_what_gru_does_and_back) {
  const GruWeights cell{normal_tensor({features + units, 2 * units}, 2, 0.5F),
                        normal_tensor({features + units, units}, 3, 0.5F),
                        normal_tensor({2 * units}, 4, 0.5F),
                        normal_tensor({units}, 5, 0.5F)};
  const Tensor x = normal_tensor({1, batch, features}, 1);
  const Tensor h_last = normal_tensor({batch, units}, 6);
  Tensor step = x;
  step.reshape({batch, features});
  GruLayerWeights layer = layer_weights_of(cell, features);
  const Outputs y = gru_layer(x, layer, {.reset = ResetMode::before}, {&h_last});
  EXPECT_EQ(values_of(y.h_last), values_of(gru(step, h_last, cell).h));
  const GruWeights again = cell_weights_of(layer);
  EXPECT_EQ(values_of(again.ru_weights), values_of(cell.ru_weights));
  EXPECT_EQ(values_of(again.c_weights), values_of(cell.c_weights));
  EXPECT_EQ(values_of(again.ru_biases), values_of(cell.ru_biases));
  EXPECT_EQ(values_of(again.c_biases), values_of(cell.c_biases));
  layer.recurrent_biases = layer.biases;
  EXPECT_EQ(cell_weights_of(layer).c_biases.data()[2], 2 * cell.c_biases.data()[2]);
}

TEST(ConvertWeights, gate_orders_are_permutations_of_each_other) {
  Tensor columns({2, 8});  // two units
  for (i64 k = 0; k < 16; ++k) columns.data()[k] = float(k);
  const Tensor tensorflow = reorder_gates(columns, LstmGateOrder::ifgo, LstmGateOrder::igfo);
  EXPECT_EQ(values_of(tensorflow),
            (std::vector<float>{0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15}));
  const Tensor onnx = reorder_gates(columns, LstmGateOrder::ifgo, LstmGateOrder::iofg);
  EXPECT_EQ(values_of(onnx), (std::vector<float>{0, 1, 6, 7, 2, 3, 4, 5, 8, 9, 14, 15, 10, 11, 12, 13}));
  EXPECT_EQ(values_of(reorder_gates(onnx, LstmGateOrder::iofg, LstmGateOrder::igfo)), values_of(tensorflow));
  EXPECT_EQ(values_of(reorder_gates(tensorflow, LstmGateOrder::igfo, LstmGateOrder::ifgo)),
            values_of(columns));
}

TEST(ConvertWeights, refuse_what_does_not_fit) {
  const auto text = [](auto action) {
    return error_text(ErrorCode::shape, action);
  };
  EXPECT_EQ(text([] { reorder_gates(Tensor({6}), LstmGateOrder::ifgo, LstmGateOrder::igfo); }),
            "columns: expected a last extent of 4 * units, got (6,)");
  EXPECT_EQ(text([] {
              layer_weights_of(LstmWeights{Tensor({9, 20})}, 3);
            }),
            "weights: expected shape (8, 20), got (9, 20)");
  EXPECT_EQ(text([] {
              block_weights_of({Tensor({2, 4, 20}), Tensor({2, 5, 20})});
            }),
            "recurrent_weights: expected shape (5, 20), got (2, 5, 20)");
  EXPECT_EQ(text([] {
              layer_weights_of(GruWeights{Tensor({9, 10}), Tensor({8, 5})}, 4);
            }),
            "c_weights: expected shape (9, 5), got (8, 5)");
  EXPECT_EQ(text([] {
              cell_weights_of({Tensor({4, 15}), Tensor({5, 15}), Tensor({5})});
            }),
            "biases: expected shape (15,), got (5,)");
}

}  // namespace

}  // namespace recurra::test
