/// CNTK's RecurrentLSTMLayerStack: LSTM layers of different widths, with the weights made for them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "recurra/layers/layer.h"
#include "recurra/layers/rnn_stack_start.h"

namespace recurra {

/// Arguments of RecurrentLSTMLayerStack, with CNTK's names and defaults where they have such.
struct RecurrentLstmLayerStackOptions {
  std::vector<i64> layer_dims = {};    ///< layerDims: units of each layer, lowest first, > 0; at least one
  bool use_peepholes = false;          ///< usePeepholes
  std::string init = "glorotUniform";  ///< as cntk_initializer
  double init_value_scale = 1;         ///< initValueScale, > 0
  /// enableSelfStabilization: a factor of its own, learned, for each product's operands. There is none here:
  /// true throws.
  bool enable_self_stabilization = false;
  /// allowOptimizedEngine: one OptimizedRNNStack, where the widths are equal and there are no peepholes.
  bool allow_optimized_engine = false;
  /// Layers draw their matrices by `init` with a bias of 0, of the forget gate 1; so does a stack's every
  /// gate. With BlobStart::whole as in CNTK: the forget gate's is 0, too, and a stack is drawn as one matrix.
  BlobStart start = BlobStart::parts;
};

/// The layers, to be added to a model in this order: one OptimizedRnnStack called `name`, or an Lstm for each
/// width, called `name` with a number behind, from 0. All return the outputs of all steps, in one direction.
/// Throws Error, naming the field: invalid_argument without widths and for a value out of range, unsupported
/// for an unknown init and for self-stabilization.
[[nodiscard]] RECURRA_API std::vector<std::unique_ptr<Layer>> recurrent_lstm_layer_stack(
    const RecurrentLstmLayerStackOptions& options, const std::string& name = "lstm_stack");

}  // namespace recurra
