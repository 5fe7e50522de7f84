/// libnd4j's gru as users ask for it: a whole sequence through a GRU.
#pragma once

#include "recurra/autograd/variable.h"
#include "recurra/base/tensor.h"
#include "recurra/ops/op_options.h"
#include "recurra/ops/sequence_format.h"

namespace recurra::ops {

/// Where a GRU's reset gate stands.
enum class ResetMode {
  after,   ///< behind the recurrent product: libnd4j's since 2020, cuDNN, PyTorch, Keras's default
  before,  ///< before it: libnd4j's until then, ND4J's gru, the paper
};

/// How gru_layer computes.
struct GruLayerConfig {
  SequenceFormat format = SequenceFormat::tns;  ///< TNS, NST or NTS; libnd4j knows TNS alone
  ResetMode reset = ResetMode::after;
};

/// Weights of gru_layer, libnd4j's Wx, Wh and b. Columns by gate: r, u, c. T is Tensor or a variable.
template <class T>
struct GruLayerWeightsOf {
  T input_weights;      ///< Wx: (features, 3 * units)
  T recurrent_weights;  ///< Wh: (units, 3 * units)
  T biases = {};        ///< b: (3 * units); left out: zeros
  /// (3 * units), beside the recurrent product, which libnd4j does not have; left out: zeros. Reset after,
  /// c's stands inside the reset gate: with it weights of Keras, PyTorch and cuDNN fit.
  T recurrent_biases = {};
};

/// Weights of tensors.
using GruLayerWeights = GruLayerWeightsOf<Tensor>;

/// What a call of gru_layer or rnn_layer may have besides.
template <class T>
struct OutputStartOf {
  const T* h_last = nullptr;  ///< hI: output before the first step, (batch, units); null: zeros
  /// (batch), how many steps of each row count, whole numbers of any element type; null: all.
  const Tensor* max_ts_length = nullptr;
};

/// Of tensors.
using OutputStart = OutputStartOf<Tensor>;

/// What gru_layer and rnn_layer give.
template <class T>
struct OutputsOf {
  T h;       ///< outputs of all steps, in the config's format, 0 where a step does not count
  T h_last;  ///< (batch, units): after each row's last step
};

/// Of tensors.
using Outputs = OutputsOf<Tensor>;

/// Gradients of what a call was given; empty where it was left out.
struct GruLayerGradients {
  Tensor x;
  GruLayerWeights weights;
  Tensor h_last;
};

/// libnd4j's gru(x, hI, Wx, Wh, b):
///
///     [r u] = sigmoid(x Wx_ru + h Wh_ru + b_ru)    h' = u . h + (1 - u) . c
///     after:   c = tanh(x Wx_c + b_c + r . (h Wh_c + b'_c))
///     before:  c = tanh(x Wx_c + b_c + (r . h) Wh_c + b'_c)
///
/// b' being the recurrent biases, which are added to r's and u's, too. x is (steps, batch, features), NST
/// (batch, features, steps), NTS (batch, steps, features). Throws Error: shape, dtype, invalid_argument,
/// unsupported, naming the field. Nothing is computed then.
[[nodiscard]] RECURRA_API Outputs gru_layer(const Tensor& x,
                                            const GruLayerWeights& weights,
                                            const GruLayerConfig& config = {},
                                            const OutputStart& start = {},
                                            const OpOptions& options = {});

/// The same on variables, which takes gradients to all of them.
[[nodiscard]] RECURRA_API OutputsOf<autograd::Variable> gru_layer(
    const autograd::Variable& x,
    const GruLayerWeightsOf<autograd::Variable>& weights,
    const GruLayerConfig& config = {},
    const OutputStartOf<autograd::Variable>& start = {},
    const OpOptions& options = {});

/// Gradients of sum(seeds * outputs) of such a call, summed over rows and steps; of empty seeds zeros. Runs
/// the call again: who trains uses variables. Throws as gru_layer, and Error (shape) for a seed.
[[nodiscard]] RECURRA_API GruLayerGradients gru_layer_gradient(const Tensor& x,
                                                               const GruLayerWeights& weights,
                                                               const GruLayerConfig& config,
                                                               const OutputStart& start,
                                                               const Outputs& seeds,
                                                               const OpOptions& options = {});

}  // namespace recurra::ops
