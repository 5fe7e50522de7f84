/// oneDNN's RNN primitive: a stack of recurrent layers of one cell, forward or backward.
#pragma once

#include "recurra/primitive/rnn_desc.h"
#include "recurra/primitive/tensor_desc.h"
#include "recurra/primitive/weights_desc.h"

namespace recurra::primitive {

struct ForwardArguments;
struct BackwardArguments;
class RnnWorkspace;

/// A descriptor that was found good, with all that follows from it. Immutable; any number of threads may
/// execute one at once, each with a workspace of its own.
class RECURRA_API RnnPrimitive {
 public:
  /// Throws Error, naming the field: unsupported for a kind or element type there is not, invalid_argument
  /// for a value out of range or one that does not go with the others.
  explicit RnnPrimitive(const RnnDesc& desc, const Target& target = active_target());

  [[nodiscard]] const RnnDesc& desc() const noexcept { return desc_; }

  /// Layers and directions as the engine has them.
  [[nodiscard]] const StackPlan& plan() const noexcept { return plan_; }

  /// Whether the cell has a state c beside h.
  [[nodiscard]] bool has_c() const noexcept { return plan_.plan(0, 0).cell().states > 1; }

  /// Whether the cell takes an attention.
  [[nodiscard]] bool takes_attention() const noexcept { return plan_.attention(); }

  /// The tensors: what `execute` takes, dense in the order of a tag. Sizes as of TensorDesc.
  [[nodiscard]] TensorDesc src_layer_desc(i64 steps, i64 batch, FormatTag tag = FormatTag::tnc) const;
  /// (steps, batch, channels): of one direction, or of both where they are concatenated.
  [[nodiscard]] TensorDesc dst_layer_desc(i64 steps, i64 batch, FormatTag tag = FormatTag::tnc) const;
  /// Of src_iter and dst_iter: (layers, directions, batch, channels of h).
  [[nodiscard]] TensorDesc iter_desc(i64 batch) const;
  /// Of src_iter_c and dst_iter_c: (layers, directions, batch, units).
  [[nodiscard]] TensorDesc iter_c_desc(i64 batch) const;
  /// Of dst_states: (layers, directions, steps, batch, channels of h).
  [[nodiscard]] TensorDesc states_desc(i64 steps, i64 batch, FormatTag tag = FormatTag::ldtnc) const;
  /// Of dst_states_c, and of the tensors of zoneout: (layers, directions, steps, batch, units).
  [[nodiscard]] TensorDesc states_c_desc(i64 steps, i64 batch, FormatTag tag = FormatTag::ldtnc) const;
  /// Of one layer: (input, gates, units), the input of the first layer being `desc().input`.
  [[nodiscard]] TensorDesc weights_layer_desc(i64 layer, FormatTag tag = FormatTag::igo) const;
  /// (channels of h, gates, units). Throws Error (shape) for indrnn, whose is diagonal: see below.
  [[nodiscard]] TensorDesc weights_iter_desc(FormatTag tag = FormatTag::igo) const;
  /// (rows, units) of weights_peephole, of weights_norm, or of indrnn's weights_iter: what the cell has of
  /// them. Throws Error (shape) for a cell that has none.
  [[nodiscard]] TensorDesc weights_rows_desc() const;
  /// (units, projection). Throws Error (shape) without a projection.
  [[nodiscard]] TensorDesc weights_projection_desc(FormatTag tag = FormatTag::io) const;
  /// (bias rows, units): a row for each gate; lbr cells have one more.
  [[nodiscard]] TensorDesc bias_desc() const;

  /// The packed format of weights.
  [[nodiscard]] const WeightsDesc& weights_desc() const noexcept { return weights_desc_; }

  /// Whether weights in that format serve: its own, and for inference also that for training.
  [[nodiscard]] bool accepts(const WeightsDesc& weights) const noexcept {
    return weights == weights_desc_ || weights == training_weights_desc_;
  }

  /// Forward. Throws Error, naming the tensor, on one that is missing, not wanted, or of another shape or
  /// type; invalid_argument for a descriptor of backward, and for a workspace without room.
  void execute(const ForwardArguments& arguments,
               RnnWorkspace& workspace,
               const Execution& execution = {}) const;

  /// Backward over what the last forward_training with this workspace did: a workspace serves once. Throws
  /// as above.
  void execute(const BackwardArguments& arguments,
               RnnWorkspace& workspace,
               const Execution& execution = {}) const;

 private:
  RnnDesc desc_;
  StackPlan plan_;
  WeightsDesc weights_desc_;
  WeightsDesc training_weights_desc_;
};

}  // namespace recurra::primitive
