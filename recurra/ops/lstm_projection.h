/// libnd4j's older lstm and lstmCell: an LSTM whose output may go through a projection.
#pragma once

#include "recurra/autograd/variable.h"
#include "recurra/base/tensor.h"
#include "recurra/ops/lstm_start.h"
#include "recurra/ops/op_options.h"
#include "recurra/ops/sequence_format.h"

namespace recurra::ops {

/// How they compute. libnd4j's two flags say whether weights count that must be there all the same: here
/// those do that are there.
struct LstmProjectionConfig {
  SequenceFormat format =
      SequenceFormat::tns;    ///< TNS, NST or NTS; libnd4j knows TNS alone. A cell takes TNS
  float forget_bias = 0;      ///< added to f's
  float cell_clip = 0;        ///< c is limited to -clip .. clip before it is used; 0: not
  float projection_clip = 0;  ///< the output of the projection likewise; 0: not, as without one
};

/// Weights. Columns by gate: i, f, candidate, o. T is Tensor or a variable.
template <class T>
struct LstmProjectionWeightsOf {
  T input_weights;          ///< Wx: (features, 4 * units)
  T recurrent_weights;      ///< Wh: (width, 4 * units), width that of the projection or units
  T biases = {};            ///< b: (4 * units); left out: zeros
  T peephole_weights = {};  ///< Wc: (3 * units), of i, f, o; left out: none
  T projection = {};        ///< Wp: (units, width); left out: none
};

/// Weights of tensors.
using LstmProjectionWeights = LstmProjectionWeightsOf<Tensor>;

/// What lstm_projection gives at every step, and lstm_projection_cell at its one.
template <class T>
struct LstmProjectionOutputsOf {
  T h;  ///< the output, as wide as the projection
  T c;  ///< cell state, of units
};

/// Of tensors.
using LstmProjectionOutputs = LstmProjectionOutputsOf<Tensor>;

/// Gradients of what a call was given; empty where it was left out.
struct LstmProjectionGradients {
  Tensor x;
  LstmProjectionWeights weights;
  Tensor c_last;
  Tensor y_last;
};

/// libnd4j's lstm, Sak et al. 2014: lstm_layer's equations with sigmoid and tanh, and h' = (o . tanh(c')) Wp,
/// limited by the clip before the next step reads it. Start: c_last (batch, units), y_last (batch, width),
/// max_ts_length (batch). x is (steps, batch, features), NST (batch, features, steps), NTS (batch, steps,
/// features); outputs are laid out alike. Throws Error: shape, dtype, invalid_argument, unsupported, naming
/// the field. Nothing is computed then.
[[nodiscard]] RECURRA_API LstmProjectionOutputs lstm_projection(const Tensor& x,
                                                                const LstmProjectionWeights& weights,
                                                                const LstmProjectionConfig& config = {},
                                                                const LstmStart& start = {},
                                                                const OpOptions& options = {});

/// The same on variables, which takes gradients to all of them.
[[nodiscard]] RECURRA_API LstmProjectionOutputsOf<autograd::Variable> lstm_projection(
    const autograd::Variable& x,
    const LstmProjectionWeightsOf<autograd::Variable>& weights,
    const LstmProjectionConfig& config = {},
    const LstmStartOf<autograd::Variable>& start = {},
    const OpOptions& options = {});

/// Gradients of sum(seeds * outputs) of such a call, summed over rows and steps; of empty seeds zeros. Runs
/// the call again: who trains uses variables. Throws as lstm_projection, and Error (shape) for a seed.
[[nodiscard]] RECURRA_API LstmProjectionGradients
lstm_projection_gradient(const Tensor& x,
                         const LstmProjectionWeights& weights,
                         const LstmProjectionConfig& config,
                         const LstmStart& start,
                         const LstmProjectionOutputs& seeds,
                         const OpOptions& options = {});

/// libnd4j's lstmCell, not ND4J's: one step of it, x (batch, features). Throws as lstm_projection, and Error
/// (unsupported) for another format than TNS.
[[nodiscard]] RECURRA_API LstmProjectionOutputs lstm_projection_cell(const Tensor& x,
                                                                     const LstmProjectionWeights& weights,
                                                                     const LstmProjectionConfig& config = {},
                                                                     const LstmStart& start = {},
                                                                     const OpOptions& options = {});

/// The same on variables, which takes gradients to all of them.
[[nodiscard]] RECURRA_API LstmProjectionOutputsOf<autograd::Variable> lstm_projection_cell(
    const autograd::Variable& x,
    const LstmProjectionWeightsOf<autograd::Variable>& weights,
    const LstmProjectionConfig& config = {},
    const LstmStartOf<autograd::Variable>& start = {},
    const OpOptions& options = {});

/// Its gradients, as lstm_projection_gradient.
[[nodiscard]] RECURRA_API LstmProjectionGradients
lstm_projection_cell_gradient(const Tensor& x,
                              const LstmProjectionWeights& weights,
                              const LstmProjectionConfig& config,
                              const LstmStart& start,
                              const LstmProjectionOutputs& seeds,
                              const OpOptions& options = {});

}  // namespace recurra::ops
