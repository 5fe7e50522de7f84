/// libnd4j's static_bidirectional_rnn and dynamic_bidirectional_rnn.
#pragma once

#include "recurra/ops/rnn_layer.h"

namespace recurra::ops {

/// What becomes of both directions' outputs.
enum class RnnMerge {
  concat,  ///< side by side, the forward one first: static_bidirectional_rnn
  apart,   ///< two sequences: dynamic_bidirectional_rnn
};

/// How bidirectional_rnn_layer gives its outputs.
struct BidirectionalRnnConfig {
  SequenceFormat format = SequenceFormat::tns;  ///< TNS, NST or NTS
  RnnMerge merge = RnnMerge::concat;
};

/// What a call may have besides.
template <class T>
struct BidirectionalRnnStartOf {
  const T* forward_h_last = nullptr;   ///< h0FW: (batch, units of it); null: zeros
  const T* backward_h_last = nullptr;  ///< h0BW: (batch, units of it); null: zeros
  /// maxTimeStep: (batch), how many steps of each row count, whole numbers of any element type; null: all.
  const Tensor* max_ts_length = nullptr;
};

/// Of tensors.
using BidirectionalRnnStart = BidirectionalRnnStartOf<Tensor>;

/// What bidirectional_rnn_layer gives.
template <class T>
struct BidirectionalRnnOutputsOf {
  T h;                ///< of width forward units + backward units; apart: the forward outputs
  T backward_h;       ///< apart: the backward outputs, at the steps they belong to; else empty
  T forward_h_last;   ///< (batch, units): after each row's last step
  T backward_h_last;  ///< (batch, units): after each row's first step
};

/// Of tensors.
using BidirectionalRnnOutputs = BidirectionalRnnOutputsOf<Tensor>;

/// Weights of both directions. T is Tensor or a variable.
template <class T>
struct BidirectionalRnnWeightsOf {
  RnnWeightsOf<T> forward;   ///< WxFW, WhFW, bFW
  RnnWeightsOf<T> backward;  ///< WxBW, WhBW, bBW
};

/// Of tensors.
using BidirectionalRnnWeights = BidirectionalRnnWeightsOf<Tensor>;

/// Gradients of what a call was given; empty where it was left out.
struct BidirectionalRnnGradients {
  Tensor x;
  BidirectionalRnnWeights weights;
  Tensor forward_h_last;
  Tensor backward_h_last;
};

/// rnn_layer from the first step to the last and another one, whose units may be others, from each row's last
/// to its first, both at once. Throws as rnn_layer.
[[nodiscard]] RECURRA_API BidirectionalRnnOutputs
bidirectional_rnn_layer(const Tensor& x,
                        const BidirectionalRnnWeights& weights,
                        const BidirectionalRnnConfig& config = {},
                        const BidirectionalRnnStart& start = {},
                        const OpOptions& options = {});

/// The same on variables, which takes gradients to all of them.
[[nodiscard]] RECURRA_API BidirectionalRnnOutputsOf<autograd::Variable> bidirectional_rnn_layer(
    const autograd::Variable& x,
    const BidirectionalRnnWeightsOf<autograd::Variable>& weights,
    const BidirectionalRnnConfig& config = {},
    const BidirectionalRnnStartOf<autograd::Variable>& start = {},
    const OpOptions& options = {});

/// Its gradients, as rnn_layer_gradient.
[[nodiscard]] RECURRA_API BidirectionalRnnGradients
bidirectional_rnn_layer_gradient(const Tensor& x,
                                 const BidirectionalRnnWeights& weights,
                                 const BidirectionalRnnConfig& config,
                                 const BidirectionalRnnStart& start,
                                 const BidirectionalRnnOutputs& seeds,
                                 const OpOptions& options = {});

}  // namespace recurra::ops
