/// libnd4j's lstmLayerCell: one step of lstm_layer.
#pragma once

#include "recurra/ops/lstm_layer.h"

namespace recurra::ops {

/// What lstm_layer_cell gives.
template <class T>
struct LstmLayerCellOutputsOf {
  T h;  ///< the output, (batch, units)
  T c;  ///< the new cell state, (batch, units)
};

/// Of tensors.
using LstmLayerCellOutputs = LstmLayerCellOutputsOf<Tensor>;

/// lstmLayerCell of libnd4j: one step of lstm_layer. x is (batch, features), or (features) of a single row,
/// whose states and outputs then are (units). Of the config count the activations, their numbers and the
/// clip. States left out are zeros; libnd4j wants them. Throws as lstm_layer, and Error (unsupported) for
/// max_ts_length, another direction than FWD or another format than TNS.
[[nodiscard]] RECURRA_API LstmLayerCellOutputs lstm_layer_cell(const Tensor& x,
                                                               const LstmLayerWeights& weights,
                                                               const LstmLayerConfig& config = {},
                                                               const LstmStart& start = {},
                                                               const OpOptions& options = {});

/// The same on variables, which takes gradients to all of them.
[[nodiscard]] RECURRA_API LstmLayerCellOutputsOf<autograd::Variable> lstm_layer_cell(
    const autograd::Variable& x,
    const LstmLayerWeightsOf<autograd::Variable>& weights,
    const LstmLayerConfig& config = {},
    const LstmStartOf<autograd::Variable>& start = {},
    const OpOptions& options = {});

/// Its gradients, as lstm_layer_gradient.
[[nodiscard]] RECURRA_API LstmLayerGradients lstm_layer_cell_gradient(const Tensor& x,
                                                                      const LstmLayerWeights& weights,
                                                                      const LstmLayerConfig& config,
                                                                      const LstmStart& start,
                                                                      const LstmLayerCellOutputs& seeds,
                                                                      const OpOptions& options = {});

}  // namespace recurra::ops
