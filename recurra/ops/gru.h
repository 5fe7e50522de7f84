/// ND4J's gru: one step of a GRU, reset before the product, with its gates as outputs.
#pragma once

#include "recurra/autograd/variable.h"
#include "recurra/base/tensor.h"
#include "recurra/ops/op_options.h"

namespace recurra::ops {

/// GRUWeights. T is Tensor or a variable.
template <class T>
struct GruWeightsOf {
  T ru_weights;      ///< ruWeight: (features + units, 2 * units), the inputs' rows first; columns r, u
  T c_weights;       ///< cWeight: (features + units, units)
  T ru_biases = {};  ///< ruBias: (2 * units), r, u; left out: zeros
  T c_biases = {};   ///< cBias: (units); left out: zeros
};

/// Weights of tensors.
using GruWeights = GruWeightsOf<Tensor>;

/// What gru gives, each (batch, units), in ND4J's order; h is the output.
template <class T>
struct GruOutputsOf {
  T r;  ///< reset gate
  T u;  ///< update gate
  T c;  ///< candidate
  T h;  ///< the output
};

/// Of tensors.
using GruOutputs = GruOutputsOf<Tensor>;

/// Gradients of what a call was given; empty where it was left out.
struct GruGradients {
  Tensor x;
  Tensor h_last;
  GruWeights weights;
};

/// gru(x, hLast, GRUWeights) of ND4J, libnd4j's gruCell, Cho et al. 2014:
///
///     [r u] = sigmoid([x h] W_ru + b_ru)    c = tanh([x, r . h] W_c + b_c)    h' = u . h + (1 - u) . c
///
/// x (batch, features), h_last (batch, units). Throws Error: shape, dtype, invalid_argument, naming the
/// field. Nothing is computed then. A whole sequence: gru_layer.
[[nodiscard]] RECURRA_API GruOutputs gru(const Tensor& x,
                                         const Tensor& h_last,
                                         const GruWeights& weights,
                                         const OpOptions& options = {});

/// The same on variables, which takes gradients to all of them.
[[nodiscard]] RECURRA_API GruOutputsOf<autograd::Variable> gru(
    const autograd::Variable& x,
    const autograd::Variable& h_last,
    const GruWeightsOf<autograd::Variable>& weights,
    const OpOptions& options = {});

/// Gradients of sum(seeds * outputs) of such a call, summed over rows; of empty seeds zeros. Runs the call
/// again: who trains uses variables. Throws as gru, and Error (shape) for a seed.
[[nodiscard]] RECURRA_API GruGradients gru_gradient(const Tensor& x,
                                                    const Tensor& h_last,
                                                    const GruWeights& weights,
                                                    const GruOutputs& seeds,
                                                    const OpOptions& options = {});

}  // namespace recurra::ops
