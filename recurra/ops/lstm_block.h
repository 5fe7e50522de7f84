/// ND4J's lstmblock and lstmCell: TensorFlow's BlockLSTM and LSTMBlockCell, with all they compute as outputs.
#pragma once

#include "recurra/autograd/variable.h"
#include "recurra/base/tensor.h"
#include "recurra/ops/lstm_start.h"
#include "recurra/ops/op_options.h"
#include "recurra/ops/sequence_format.h"

namespace recurra::ops {

/// LSTMConfiguration.
struct LstmConfiguration {
  SequenceFormat format = SequenceFormat::tns;  ///< RnnDataFormat: TNS, NST or NTS. lstm_cell takes TNS alone
  bool peephole = false;                        ///< peepHole: the weights have the three of them
  float forget_bias = 0;                        ///< forgetBias, added to f's; TensorFlow's default is 1
  /// clippingCellValue: c is limited to -value .. value before it is used; 0: not. TensorFlow writes -1
  /// there.
  float clipping_cell_value = 0;
  /// False: c and y alone, which takes less memory.
  bool return_gates = true;
  /// As libnd4j does: all steps are processed whatever max_ts_length says.
  bool ignore_max_ts_length = false;
};

/// LSTMWeights. T is Tensor or a variable.
template <class T>
struct LstmWeightsOf {
  /// ruWeight: (features + units, 4 * units), the inputs' rows first; columns by gate: i, z (the candidate),
  /// f, o.
  T weights;
  T biases = {};           ///< bias: (4 * units) in the same order; left out: zeros
  T input_peephole = {};   ///< inputPeepholeWeights: (units), given where the configuration has peephole
  T forget_peephole = {};  ///< forgetPeepholeWeights: likewise
  T output_peephole = {};  ///< outputPeepholeWeights: likewise
};

/// Weights of tensors.
using LstmWeights = LstmWeightsOf<Tensor>;

/// What lstm_block gives at every step and lstm_cell at its one, in ND4J's order; y is the output.
template <class T>
struct LstmBlockOutputsOf {
  T i;  ///< input gate
  T c;  ///< cell state
  T f;  ///< forget gate
  T o;  ///< output gate
  T z;  ///< candidate
  T h;  ///< tanh(c): not the output
  T y;  ///< the output, o . h
};

/// Of tensors.
using LstmBlockOutputs = LstmBlockOutputsOf<Tensor>;

/// Gradients of what a call was given; empty where it was left out.
struct LstmBlockGradients {
  Tensor x;
  LstmWeights weights;
  Tensor c_last;
  Tensor y_last;
};

/// lstmblock(maxTSLength, x, cLast, yLast, LSTMWeights, LSTMConfiguration) of ND4J, which returns i alone
/// there:
///
///     [i z f o] = [x y] W + b
///     i = sigmoid(i + p_i . c)    f = sigmoid(f + p_f . c + forget_bias)    z = tanh(z)
///     c' = z . i + f . c, limited by the clip    o = sigmoid(o + p_o . c')    h = tanh(c')    y' = o . h
///
/// x is (steps, batch, features), NST (batch, features, steps), NTS (batch, steps, features); outputs are
/// laid out alike, with units in the place of features. max_ts_length is one number: from there on outputs
/// are 0, as in TensorFlow. Throws Error: shape, dtype, invalid_argument, unsupported, naming the field.
/// Nothing is computed then.
[[nodiscard]] RECURRA_API LstmBlockOutputs lstm_block(const Tensor& x,
                                                      const LstmWeights& weights,
                                                      const LstmConfiguration& configuration = {},
                                                      const LstmStart& start = {},
                                                      const OpOptions& options = {});

/// The same on variables, which takes gradients to all of them.
[[nodiscard]] RECURRA_API LstmBlockOutputsOf<autograd::Variable> lstm_block(
    const autograd::Variable& x,
    const LstmWeightsOf<autograd::Variable>& weights,
    const LstmConfiguration& configuration = {},
    const LstmStartOf<autograd::Variable>& start = {},
    const OpOptions& options = {});

/// Gradients of sum(seeds * outputs) of such a call, summed over rows and steps; of empty seeds zeros. Runs
/// the call again: who trains uses variables. Throws as lstm_block, and Error (shape) for a seed.
[[nodiscard]] RECURRA_API LstmBlockGradients lstm_block_gradient(const Tensor& x,
                                                                 const LstmWeights& weights,
                                                                 const LstmConfiguration& configuration,
                                                                 const LstmStart& start,
                                                                 const LstmBlockOutputs& seeds,
                                                                 const OpOptions& options = {});

/// lstmCell(x, cLast, yLast, LSTMWeights, LSTMConfiguration) of ND4J: one step of lstm_block. x is (batch,
/// features), outputs (batch, units). States left out are zeros. Throws as lstm_block, and Error
/// (unsupported) for max_ts_length and another format than TNS.
[[nodiscard]] RECURRA_API LstmBlockOutputs lstm_cell(const Tensor& x,
                                                     const LstmWeights& weights,
                                                     const LstmConfiguration& configuration = {},
                                                     const LstmStart& start = {},
                                                     const OpOptions& options = {});

/// The same on variables, which takes gradients to all of them.
[[nodiscard]] RECURRA_API LstmBlockOutputsOf<autograd::Variable> lstm_cell(
    const autograd::Variable& x,
    const LstmWeightsOf<autograd::Variable>& weights,
    const LstmConfiguration& configuration = {},
    const LstmStartOf<autograd::Variable>& start = {},
    const OpOptions& options = {});

/// Its gradients, as lstm_block_gradient.
[[nodiscard]] RECURRA_API LstmBlockGradients lstm_cell_gradient(const Tensor& x,
                                                                const LstmWeights& weights,
                                                                const LstmConfiguration& configuration,
                                                                const LstmStart& start,
                                                                const LstmBlockOutputs& seeds,
                                                                const OpOptions& options = {});

}  // namespace recurra::ops
