/// ND4J's lstmLayer: a whole sequence through an LSTM, in one direction or both.
#pragma once

#include <optional>

#include "recurra/autograd/variable.h"
#include "recurra/base/tensor.h"
#include "recurra/ops/lstm_start.h"
#include "recurra/ops/op_options.h"
#include "recurra/ops/rnn_activation.h"
#include "recurra/ops/sequence_format.h"

namespace recurra::ops {

/// LSTMDirectionMode.
enum class DirectionMode {
  fwd,              ///< FWD: from the first step to the last
  bwd,              ///< BWD: from each row's last step to the first
  bidir_sum,        ///< BIDIR_SUM: both, outputs added
  bidir_concat,     ///< BIDIR_CONCAT: both, outputs side by side, the forward one first
  bidir_extra_dim,  ///< BIDIR_EXTRA_DIM: both, outputs (steps, 2, batch, units)
};

/// LSTMLayerConfig. In comments the page's names and its defaults where they differ.
struct LstmLayerConfig {
  /// LSTMDataFormat. T2NS belongs to BIDIR_EXTRA_DIM alone, which takes TNS for it, too.
  SequenceFormat format = SequenceFormat::tns;
  DirectionMode direction = DirectionMode::fwd;            ///< LSTMDirectionMode
  RnnActivation gate_activation = RnnActivation::sigmoid;  ///< gateAct, of i, f and o
  RnnActivation cell_activation = RnnActivation::tanh;     ///< cellAct, of the candidate
  RnnActivation out_activation = RnnActivation::tanh;      ///< outAct, of c on its way out
  bool return_sequence = true;                             ///< retFullSequence
  bool return_last_h = false;                              ///< retLastH
  bool return_last_c = false;                              ///< retLastC
  float cell_clip = 0;  ///< cellClip: c is limited to -clip .. clip before it is used; 0: not
  /// gateAlpha, gateBeta, …; the page's default is 0. Not given: RnnActivation says what holds.
  std::optional<float> gate_alpha = {};
  std::optional<float> gate_beta = {};   ///< gateBeta
  std::optional<float> cell_alpha = {};  ///< cellAlpha
  std::optional<float> cell_beta = {};   ///< cellBeta
  std::optional<float> out_alpha = {};   ///< outAlpha
  std::optional<float> out_beta = {};    ///< outBeta
  /// Where libnd4j differs from all others: BWD takes the last max_ts_length steps of a row, not its first.
  bool right_aligned_bwd = false;
  /// Likewise: a row of length 0 ends in states of zeros, not in those it began with.
  bool zero_states_of_empty_rows = false;
};

/// LSTMLayerWeights. Columns by gate: i, f, candidate, o. With both directions all have a leading axis of 2:
/// forward, backward. T is Tensor or a variable.
template <class T>
struct LstmLayerWeightsOf {
  T input_weights;          ///< inputWeights: (features, 4 * units)
  T recurrent_weights;      ///< recurrentWeights: (units, 4 * units)
  T biases = {};            ///< biases: (4 * units); left out: none
  T peephole_weights = {};  ///< peepholeWeights: (3 * units), of i, f, o; left out: none
};

/// Weights of tensors.
using LstmLayerWeights = LstmLayerWeightsOf<Tensor>;

/// What lstm_layer gives; empty what was not asked for.
template <class T>
struct LstmLayerOutputsOf {
  T h;       ///< outputs of all steps, in the config's format; width units, or 2 * units for BIDIR_CONCAT
  T h_last;  ///< (batch, units), (2, batch, units) for both directions: after each row's last step
  T c_last;  ///< the same of the cell state
};

/// Of tensors.
using LstmLayerOutputs = LstmLayerOutputsOf<Tensor>;

/// Gradients of what a call was given; empty where it was left out.
struct LstmLayerGradients {
  Tensor x;
  LstmLayerWeights weights;
  Tensor c_last;
  Tensor y_last;
};

/// lstmLayer(x, cLast, yLast, maxTSLength, LSTMLayerWeights, LSTMLayerConfig) of ND4J, Hochreiter and
/// Schmidhuber 1997:
///
///     i = gate(x W_i + h U_i + b_i + p_i . c)    f likewise    g = cell(x W_g + h U_g + b_g)
///     c' = f . c + i . g, limited by the clip    o = gate(x W_o + h U_o + b_o + p_o . c')    h' = o .
///     out(c')
///
/// x is (steps, batch, features), NST (batch, features, steps), NTS (batch, steps, features). Where
/// max_ts_length says that steps of a row do not count, outputs are 0 and the states remain; a backward
/// direction begins at each row's last step that counts.
///
/// With both directions c_last and y_last are (2, batch, units). Throws Error: shape, dtype,
/// invalid_argument, unsupported, naming the field. Nothing is computed then.
[[nodiscard]] RECURRA_API LstmLayerOutputs lstm_layer(const Tensor& x,
                                                      const LstmLayerWeights& weights,
                                                      const LstmLayerConfig& config = {},
                                                      const LstmStart& start = {},
                                                      const OpOptions& options = {});

/// The same on variables, which takes gradients to all of them.
[[nodiscard]] RECURRA_API LstmLayerOutputsOf<autograd::Variable> lstm_layer(
    const autograd::Variable& x,
    const LstmLayerWeightsOf<autograd::Variable>& weights,
    const LstmLayerConfig& config = {},
    const LstmStartOf<autograd::Variable>& start = {},
    const OpOptions& options = {});

/// Gradients of sum(seeds * outputs) of such a call, summed over rows and steps; of empty seeds zeros. Runs
/// the call again: who trains uses variables. Throws as lstm_layer, and Error (shape) for a seed.
[[nodiscard]] RECURRA_API LstmLayerGradients lstm_layer_gradient(const Tensor& x,
                                                                 const LstmLayerWeights& weights,
                                                                 const LstmLayerConfig& config,
                                                                 const LstmStart& start,
                                                                 const LstmLayerOutputs& seeds,
                                                                 const OpOptions& options = {});

}  // namespace recurra::ops
