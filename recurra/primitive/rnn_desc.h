/// What an RNN primitive is to compute, as a value with named fields.
#pragma once

#include <vector>

#include "recurra/base/activation.h"
#include "recurra/engine/stack.h"
#include "recurra/primitive/kinds.h"

namespace recurra::primitive {

/// The tensors a primitive may do without. Those named here must be given to `execute`, others must not.
struct OptionalTensors {
  bool bias = true;           ///< else all biases are zero
  bool src_iter = false;      ///< initial h; else zeros
  bool src_iter_c = false;    ///< initial c; else zeros
  bool dst_iter = false;      ///< h after the last step
  bool dst_iter_c = false;    ///< c after the last step
  bool dst_layer = true;      ///< else only states leave
  bool lengths = false;       ///< steps of every row; else all rows have all
  bool dst_states = false;    ///< h of every layer and direction after every step
  bool dst_states_c = false;  ///< c likewise

  bool operator==(const OptionalTensors&) const = default;
};

/// Element types. Other than f32 there is none yet; `RnnPrimitive` refuses them by name.
struct DataTypes {
  DataType src = DataType::f32;      ///< of src_layer, src_iter and attention
  DataType weights = DataType::f32;  ///< of weights_layer, weights_iter and weights_projection
  DataType bias = DataType::f32;     ///< of bias and weights_peephole
  DataType cell = DataType::f32;     ///< of src_iter_c and dst_iter_c
  DataType dst = DataType::f32;      ///< of dst_layer and dst_iter

  bool operator==(const DataTypes&) const = default;
};

/// A stack of layers of one cell. Steps and batch are not part of it: they come with the tensors.
struct RnnDesc {
  CellKind cell = CellKind::lstm;
  Propagation propagation = Propagation::forward_inference;
  Direction direction = Direction::left2right;
  /// What a layer of a bidirectional stack sees of the one below: its own direction alone (oneDNN), or both
  /// (cuDNN, Keras, PyTorch).
  Stacking stacking = Stacking::independent;
  i64 layers = 1;  ///< from 1 up
  i64 input = 0;   ///< channels of src_layer, 1 to 2^20; oneDNN's slc
  i64 units = 0;   ///< width of the cell, 1 to 2^20; oneDNN's dhc
  i64 projection =
      0;  ///< channels of h behind a projection, up to 2^20; 0: none, h has `units`. oneDNN's dic
  bool peephole = false;  ///< lstm: gates see c
  /// One for each place of the cell (its page says which); empty: the cell's own.
  std::vector<Activation> activations = {};
  /// Bound of c, which is limited to -clip .. clip before it is used: > 0; 0: none. For the cells that have
  /// c.
  float clip = 0;
  /// Zoneout (Krueger et al., "Zoneout", 2016): the probability, 0 to 1, with which h of a unit stays as it
  /// was. In inference the share of the old h in the new; in training what stays the tensor `zoneout` says.
  /// 0: none. Not behind a projection.
  float zoneout = 0;
  float zoneout_c = 0;  ///< of c likewise, by the tensor `zoneout_c`
  WeightsFormat weights = WeightsFormat::any;
  MemoryLevel memory_level = MemoryLevel::keep_gates;  ///< of training
  OptionalTensors tensors = {};
  DataTypes types = {};
  bool diff_weights_overwrite = false;  ///< backward: gradients of weights are not added to what is there

  bool operator==(const RnnDesc&) const = default;
};

}  // namespace recurra::primitive
