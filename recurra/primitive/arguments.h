/// The tensors of one execution.
#pragma once

#include <span>

#include "recurra/primitive/packed_rnn_weights.h"
#include "recurra/primitive/tensor_desc.h"

namespace recurra::primitive {

/// Tensors of a forward execution. Which must be there the descriptor says. Channels lie side by side (their
/// stride is 1); of states the rows too. What is written lies apart from all else, in other memory or in the
/// gaps of other tensors; but a final state may take the very place of the initial one.
struct ForwardArguments {
  ConstTensorView src_layer = {};   ///< (steps, batch, input); steps and batch of the call come from here
  ConstTensorView src_iter = {};    ///< (layers, directions, batch, channels of h)
  ConstTensorView src_iter_c = {};  ///< (layers, directions, batch, units)
  ConstTensorView attention = {};  ///< (steps, batch, 1): cells under attention, in all layers and directions
  /// (layers, directions, steps, batch, units) in training with zoneout: 1 where h stays as it was, else 0.
  ConstTensorView zoneout = {};
  ConstTensorView zoneout_c = {};     ///< of c likewise
  std::span<const int> lengths = {};  ///< (batch), each 0 to steps; a row's outputs behind its end are 0
  /// WeightsFormat::any: weights packed for this descriptor, shared by any number of executions at once.
  const PackedRnnWeights* packed_weights = nullptr;
  /// WeightsFormat::plain: one for each layer and direction, or one of whole tensors.
  std::span<const WeightViews> weights = {};
  TensorView dst_layer = {};     ///< (steps, batch, channels of the output)
  TensorView dst_iter = {};      ///< as src_iter
  TensorView dst_iter_c = {};    ///< as src_iter_c
  TensorView dst_states = {};    ///< (layers, directions, steps, batch, channels of h): h after every step
  TensorView dst_states_c = {};  ///< (layers, directions, steps, batch, units): c after every step
};

/// Tensors of a backward execution.
struct BackwardArguments {
  /// Those of the forward execution, with the contents it left.
  ForwardArguments forward = {};
  ConstTensorView diff_dst_layer = {};     ///< as dst_layer. None: zero
  ConstTensorView diff_dst_iter = {};      ///< as dst_iter. None: zero
  ConstTensorView diff_dst_iter_c = {};    ///< as dst_iter_c. None: zero
  ConstTensorView diff_dst_states = {};    ///< as dst_states. None: zero
  ConstTensorView diff_dst_states_c = {};  ///< as dst_states_c. None: zero
  TensorView diff_src_layer = {};   ///< as src_layer; overwritten, as the three below. None: not wanted
  TensorView diff_src_iter = {};    ///< as src_iter
  TensorView diff_src_iter_c = {};  ///< as src_iter_c
  TensorView diff_attention = {};   ///< as attention: the sum over all layers and directions
  /// Added to, unless the descriptor says diff_weights_overwrite. One for each layer and direction, or one of
  /// whole tensors; tensors that do not exist, or none at all: not wanted.
  std::span<const MutableWeightViews> diff_weights = {};
};

}  // namespace recurra::primitive
