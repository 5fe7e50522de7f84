/// From the tensors of an execution to the engine's pointers; all checks stand here.
///
/// Private to the library.
#pragma once

#include <span>

#include "recurra/primitive/arguments.h"
#include "recurra/primitive/rnn_primitive.h"
#include "recurra/primitive/rnn_workspace.h"

namespace recurra::primitive {

/// What a tensor must be. Texts are made only where it is not.
struct Expected {
  Subject subject;
  int rank;
  i64 dims[max_rank];
  const char* names;           ///< of the dimensions: `(steps, batch, input)`
  bool required = true;        ///< else it may be missing
  bool written = false;        ///< its elements must be apart
  bool dense_channels = true;  ///< stride of the last dimension 1
  bool dense_rows = false;     ///< and of the one before its extent
};

/// Throws Error unless the tensor is there, f32, and as expected.
void check_tensor(const ConstTensorView& view, const Expected& expected);

/// Throws Error (invalid_argument) where a tensor is given that the descriptor excludes.
void check_absent(const ConstTensorView& view, const char* name, const char* why);

/// Throws Error (invalid_argument) where memory that is written overlaps another tensor's, weights, or memory
/// the caller gave to the workspace; but for a final state in the very place of the initial one.
void check_apart(const RnnPrimitive& primitive, const ForwardArguments& arguments, RnnWorkspace& workspace);

/// The same of the way back; a gradient of an initial state may lie in the place of the final one's.
void check_apart(const RnnPrimitive& primitive, const BackwardArguments& arguments, RnnWorkspace& workspace);

/// The same of weights to be packed.
void check_apart(const RnnPrimitive& primitive,
                 std::span<const WeightViews> plain,
                 std::span<const std::byte> packed);

/// The same of memory that weights are unpacked into.
void check_apart(const RnnPrimitive& primitive,
                 std::span<const MutableWeightViews> plain,
                 std::span<const std::byte> packed);

/// The engine's call of `arguments`; the runs of the workspace get what each layer and direction has.
[[nodiscard]] StackCall bind_forward(const RnnPrimitive& primitive,
                                     const ForwardArguments& arguments,
                                     RnnWorkspace& workspace);

/// The same of the way back, but for the gradients of weights.
[[nodiscard]] StackBackwardCall bind_backward(const RnnPrimitive& primitive,
                                              const BackwardArguments& arguments,
                                              std::span<StackRunGradients> runs);

/// Plain weights, one for each layer and direction.
void bind_weights(const RnnPrimitive& primitive,
                  std::span<const WeightViews> views,
                  std::span<Weights> weights);

/// Memory for weights that are unpacked, one for each layer and direction; tensors that do not exist: null.
void bind_unpacked(const RnnPrimitive& primitive,
                   std::span<const MutableWeightViews> views,
                   std::span<WeightGradients> weights);

/// Memory for gradients, into the entries of `runs`; none: null.
void bind_weight_gradients(const RnnPrimitive& primitive,
                           std::span<const MutableWeightViews> views,
                           std::span<StackRunGradients> runs);

}  // namespace recurra::primitive
