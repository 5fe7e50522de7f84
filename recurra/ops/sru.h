/// ND4J's sru and sruCell: simple recurrent units, over a sequence and of one step.
#pragma once

#include "recurra/autograd/variable.h"
#include "recurra/base/tensor.h"
#include "recurra/ops/op_options.h"
#include "recurra/ops/sequence_format.h"

namespace recurra::ops {

/// How the weights of z, f and r lie in a matrix. ND4J's operations differ in that, and no shape tells
/// which for certain: so it is said.
enum class SruLayout {
  gate_rows,     ///< (3 * units, features), a row a unit: sru's
  gate_columns,  ///< (features, 3 * units), a column a unit: sruCell's
};

/// SRUWeights. T is Tensor or a variable.
template <class T>
struct SruWeightsOf {
  T weights;      ///< weights: of z, f, r, laid out as SruLayout says
  T biases = {};  ///< bias: (2 * units), of f, r; left out: zeros
};

/// Weights of tensors.
using SruWeights = SruWeightsOf<Tensor>;

/// How sru reads its tensors.
struct SruConfig {
  SequenceFormat format = SequenceFormat::nst;  ///< NST is ND4J's; TNS, NTS
  SruLayout layout = SruLayout::gate_rows;
};

/// What a call of sru may have besides.
template <class T>
struct SruStartOf {
  const T* initial_c = nullptr;  ///< initialC: (batch, units); null: zeros
  /// mask, of dropout: (batch, units), factors of x that are the same at all steps, in the highway, too;
  /// null: none. No gradient goes there.
  const Tensor* mask = nullptr;
  /// (batch), how many steps of each row count, whole numbers of any element type; null: all, as in ND4J.
  const Tensor* max_ts_length = nullptr;
};

/// Of tensors.
using SruStart = SruStartOf<Tensor>;

/// What sru gives at every step, in the config's format, and sru_cell at its one.
template <class T>
struct SruOutputsOf {
  T h;  ///< the output
  T c;  ///< cell state
};

/// Of tensors.
using SruOutputs = SruOutputsOf<Tensor>;

/// Gradients of what a call was given; empty where it was left out.
struct SruGradients {
  Tensor x;
  SruWeights weights;
  Tensor initial_c;
};

/// sru(x, initialC, mask, SRUWeights) of ND4J, which returns h alone there, Lei et al. 2017:
///
///     z = x W_z    f = sigmoid(x W_f + b_f)    r = sigmoid(x W_r + b_r)
///     c' = f . c + (1 - f) . z    h = r . tanh(c') + (1 - r) . x
///
/// There are as many features as units. x is NST (batch, features, steps) unless the config says otherwise: a
/// whole sequence, whatever ND4J's page says. Throws Error: shape, dtype, invalid_argument, unsupported,
/// naming the field. Nothing is computed then.
[[nodiscard]] RECURRA_API SruOutputs sru(const Tensor& x,
                                         const SruWeights& weights,
                                         const SruConfig& config = {},
                                         const SruStart& start = {},
                                         const OpOptions& options = {});

/// The same on variables, which takes gradients to all of them.
[[nodiscard]] RECURRA_API SruOutputsOf<autograd::Variable> sru(
    const autograd::Variable& x,
    const SruWeightsOf<autograd::Variable>& weights,
    const SruConfig& config = {},
    const SruStartOf<autograd::Variable>& start = {},
    const OpOptions& options = {});

/// Gradients of sum(seeds * outputs) of such a call, summed over rows and steps; of empty seeds zeros. Runs
/// the call again: who trains uses variables. Throws as sru, and Error (shape) for a seed.
[[nodiscard]] RECURRA_API SruGradients sru_gradient(const Tensor& x,
                                                    const SruWeights& weights,
                                                    const SruConfig& config,
                                                    const SruStart& start,
                                                    const SruOutputs& seeds,
                                                    const OpOptions& options = {});

/// sruCell(x, cLast, SRUWeights) of ND4J: one step of sru, x and c_last (batch, units). Throws as sru.
[[nodiscard]] RECURRA_API SruOutputs sru_cell(const Tensor& x,
                                              const Tensor& c_last,
                                              const SruWeights& weights,
                                              SruLayout layout = SruLayout::gate_columns,
                                              const OpOptions& options = {});

/// The same on variables, which takes gradients to all of them.
[[nodiscard]] RECURRA_API SruOutputsOf<autograd::Variable> sru_cell(
    const autograd::Variable& x,
    const autograd::Variable& c_last,
    const SruWeightsOf<autograd::Variable>& weights,
    SruLayout layout = SruLayout::gate_columns,
    const OpOptions& options = {});

/// Its gradients, as sru_gradient; c_last's is initial_c.
[[nodiscard]] RECURRA_API SruGradients sru_cell_gradient(const Tensor& x,
                                                         const Tensor& c_last,
                                                         const SruWeights& weights,
                                                         SruLayout layout,
                                                         const SruOutputs& seeds,
                                                         const OpOptions& options = {});

/// libnd4j's sru_bi: two scans over the same steps, one from the first to the last, one back. x (steps,
/// batch, 2 K) unless `format` says otherwise; outputs alike, units 0 to K - 1 of the forward scan; all 2 K
/// features go into both. weights (2 K, 6 K): three neighbouring columns z, f, r a unit; biases (4 K): f of
/// all units, then r; initial_c and mask (batch, 2 K). Here the mask multiplies tanh(c'), too. Throws as sru.
[[nodiscard]] RECURRA_API SruOutputs sru_bi(const Tensor& x,
                                            const SruWeights& weights,
                                            SequenceFormat format = SequenceFormat::tns,
                                            const SruStart& start = {},
                                            const OpOptions& options = {});

/// The same on variables, which takes gradients to all of them.
[[nodiscard]] RECURRA_API SruOutputsOf<autograd::Variable> sru_bi(
    const autograd::Variable& x,
    const SruWeightsOf<autograd::Variable>& weights,
    SequenceFormat format = SequenceFormat::tns,
    const SruStartOf<autograd::Variable>& start = {},
    const OpOptions& options = {});

/// Its gradients, as sru_gradient.
[[nodiscard]] RECURRA_API SruGradients sru_bi_gradient(const Tensor& x,
                                                       const SruWeights& weights,
                                                       SequenceFormat format,
                                                       const SruStart& start,
                                                       const SruOutputs& seeds,
                                                       const OpOptions& options = {});

}  // namespace recurra::ops
