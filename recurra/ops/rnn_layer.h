/// libnd4j's static_rnn, dynamic_rnn and their bidirectional forms: a whole sequence through a tanh RNN.
#pragma once

#include "recurra/ops/gru_layer.h"

namespace recurra::ops {

/// Weights of a tanh RNN. T is Tensor or a variable.
template <class T>
struct RnnWeightsOf {
  T input_weights;      ///< Wx: (features, units)
  T recurrent_weights;  ///< Wh: (units, units)
  T biases = {};        ///< b: (2 * units), of both products; left out: zeros
};

/// Weights of tensors.
using RnnWeights = RnnWeightsOf<Tensor>;

/// Gradients of what a call was given; empty where it was left out.
struct RnnGradients {
  Tensor x;
  RnnWeights weights;
  Tensor h_last;
};

/// static_rnn, and dynamic_rnn, whose timeMajor = 0 is NTS: h' = tanh(x Wx + h Wh + b_x + b_h). x is (steps,
/// batch, features), NST (batch, features, steps), NTS (batch, steps, features). A row of length 0 ends as it
/// began. Throws Error: shape, dtype, invalid_argument, unsupported, naming the field. Nothing is computed
/// then.
[[nodiscard]] RECURRA_API Outputs rnn_layer(const Tensor& x,
                                            const RnnWeights& weights,
                                            SequenceFormat format = SequenceFormat::tns,
                                            const OutputStart& start = {},
                                            const OpOptions& options = {});

/// The same on variables, which takes gradients to all of them.
[[nodiscard]] RECURRA_API OutputsOf<autograd::Variable> rnn_layer(
    const autograd::Variable& x,
    const RnnWeightsOf<autograd::Variable>& weights,
    SequenceFormat format = SequenceFormat::tns,
    const OutputStartOf<autograd::Variable>& start = {},
    const OpOptions& options = {});

/// Gradients of sum(seeds * outputs) of such a call, summed over rows and steps; of empty seeds zeros. Runs
/// the call again: who trains uses variables. Throws as rnn_layer, and Error (shape) for a seed.
[[nodiscard]] RECURRA_API RnnGradients rnn_layer_gradient(const Tensor& x,
                                                          const RnnWeights& weights,
                                                          SequenceFormat format,
                                                          const OutputStart& start,
                                                          const Outputs& seeds,
                                                          const OpOptions& options = {});

/// One step of it: x (batch, features), h_last (batch, units) -> (batch, units). Throws as rnn_layer.
[[nodiscard]] RECURRA_API Tensor rnn_cell(const Tensor& x,
                                          const Tensor& h_last,
                                          const RnnWeights& weights,
                                          const OpOptions& options = {});

/// The same on variables, which takes gradients to all of them.
[[nodiscard]] RECURRA_API autograd::Variable rnn_cell(const autograd::Variable& x,
                                                      const autograd::Variable& h_last,
                                                      const RnnWeightsOf<autograd::Variable>& weights,
                                                      const OpOptions& options = {});

/// Its gradients, as rnn_layer_gradient.
[[nodiscard]] RECURRA_API RnnGradients rnn_cell_gradient(const Tensor& x,
                                                         const Tensor& h_last,
                                                         const RnnWeights& weights,
                                                         const Tensor& seed,
                                                         const OpOptions& options = {});

}  // namespace recurra::ops
