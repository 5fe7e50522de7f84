/// Weights of one operation as another takes them: exact moves of numbers, both ways.
#pragma once

#include "recurra/ops/gru.h"
#include "recurra/ops/gru_layer.h"
#include "recurra/ops/lstm_block.h"
#include "recurra/ops/lstm_layer.h"

namespace recurra::ops {

/// In which order the gates of an LSTM stand: input gate i, forget gate f, candidate g, output gate o.
enum class LstmGateOrder {
  ifgo,  ///< lstm_layer, lstm_projection; Keras, PyTorch, cuDNN, oneDNN
  igfo,  ///< lstm_block, lstm_cell; TensorFlow's BlockLSTM
  iofg,  ///< ONNX
};

/// `columns` with a last axis of 4 * units in another order. Throws Error (shape) for another last axis,
/// (dtype) for other elements than f32.
[[nodiscard]] RECURRA_API Tensor reorder_gates(const Tensor& columns, LstmGateOrder from, LstmGateOrder to);

/// What lstm_layer, in one direction, needs to compute what lstm_block does with these weights and this
/// forget bias, which becomes part of the biases. `features` is the extent of x. Throws Error (shape) where
/// the weights do not fit each other.
[[nodiscard]] RECURRA_API LstmLayerWeights layer_weights_of(const LstmWeights& weights,
                                                            i64 features,
                                                            float forget_bias = 0);

/// The way back, for a forget bias of 0. Throws Error (shape) for weights of both directions and where they
/// do not fit each other.
[[nodiscard]] RECURRA_API LstmWeights block_weights_of(const LstmLayerWeights& weights);

/// What gru_layer with ResetMode::before needs to compute what gru does. `features` is the extent of x.
/// Throws Error (shape) where the weights do not fit each other.
[[nodiscard]] RECURRA_API GruLayerWeights layer_weights_of(const GruWeights& weights, i64 features);

/// The way back; recurrent biases are added to the others. Throws Error (shape) where the weights do not fit
/// each other.
[[nodiscard]] RECURRA_API GruWeights cell_weights_of(const GruLayerWeights& weights);

}  // namespace recurra::ops
