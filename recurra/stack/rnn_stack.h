/// CNTK's OptimizedRNNStack on tensors: a stack of recurrent layers whose weights are one blob.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "recurra/stack/blob_stack.h"

namespace recurra {

/// What the stack is: the arguments of OptimizedRNNStack, and dropout.
struct RnnStackOptions {
  i64 units = 0;                       ///< of a layer and direction, > 0; hiddenDims
  i64 layers = 1;                      ///< numLayers
  bool bidirectional = false;          ///< every layer in both directions, whose outputs stand side by side
  RecurrentOp op = RecurrentOp::lstm;  ///< recurrentOp
  /// Which axis of the input time is: -1 the sequence's own, with a length of each row; 2, CNTK's frame mode,
  /// the second of a sample (features, steps): there all rows have all steps. The memory is the same.
  i64 axis = -1;
  /// Share of the outputs of all layers but the top one that is dropped out in training, in [0, 1). One mask
  /// a call, the same at all steps and for both directions of the layer above; what is left is scaled by 1 /
  /// (1 - dropout).
  double dropout = 0;

  bool operator==(const RnnStackOptions&) const = default;
};

/// What a call may have beside its input. T is Tensor or a variable.
template <class T>
struct RnnStackInputsOf {
  std::span<const int> lengths = {};  ///< (batch), each 0 to steps; empty: all rows have all steps
  const T* initial_h = nullptr;       ///< (layers * directions, batch, units); null: zeros
  const T* initial_c = nullptr;       ///< of the same shape, lstm only; null: zeros
  bool training = false;              ///< with dropout, and with a way back
  bool way_back = false;  ///< a way back without dropout; of variables, where a gradient is wanted anyway
  std::uint64_t dropout_seed = 0;  ///< what dropout drops is a function of it
  /// Of every layer but the lowest (batch, directions * units): what its input is multiplied by, instead of
  /// what dropout would draw. Training only. Null: drawn.
  const std::vector<Tensor>* dropout_factors = nullptr;
  bool layer_outputs = false;  ///< the outputs of all layers are wanted
};

/// Of tensors.
using RnnStackInputs = RnnStackInputsOf<Tensor>;

/// What a call gives.
template <class T>
struct RnnStackOutputsOf {
  T y;                    ///< (batch, steps, directions * units), 0 behind a row's length
  T final_h;              ///< (layers * directions, batch, units), of the step each row ends with
  T final_c;              ///< the same of c; empty unless lstm
  std::vector<T> layers;  ///< of each layer as y, where they were wanted; the top one is y
  std::vector<Tensor> dropout_factors;  ///< as in RnnStackInputs; none without dropout
};

/// Of tensors.
using RnnStackOutputs = RnnStackOutputsOf<Tensor>;

/// Gradients of a call's outputs; null: zeros. And what is wanted of the way back.
struct RnnStackOutputGradients {
  const Tensor* y = nullptr;
  const Tensor* final_h = nullptr;
  const Tensor* final_c = nullptr;
  /// As RnnStackOutputs::layers, which the call must have given; empty ones are zeros. That of the top layer
  /// adds to y's.
  const std::vector<Tensor>* layers = nullptr;
  bool want_weights = true;  ///< false: the gradient of the weights stays empty
  bool want_x = true;        ///< the same of x
};

/// Gradients of a call's inputs.
struct RnnStackGradients {
  Tensor weights;    ///< of the shape the weights had
  Tensor x;          ///< 0 behind a row's length
  Tensor initial_h;  ///< (layers * directions, batch, units)
  Tensor initial_c;  ///< the same; empty unless lstm
};

/// A stack made ready for repeated calls: plan, packed weights and workspace stay. Weights are packed when
/// they are set, not by a call. For one call at a time.
class RECURRA_API RnnStack {
 public:
  /// A stack over `input` features. Throws Error: invalid_argument for values out of range, unsupported for
  /// an axis there is not.
  RnnStack(const RnnStackOptions& options, i64 input, const Target& target = active_target());

  /// Features of x, a batch of sequences (batch, steps, features). Throws Error (shape) for another rank.
  [[nodiscard]] static i64 features_of(const Tensor& x);

  [[nodiscard]] const RnnStackOptions& options() const noexcept { return options_; }

  /// The blob's layout: its size, the matrix's shape.
  [[nodiscard]] const BlobLayout& layout() const noexcept { return stack_.layout(); }

  /// Packs the weights, which are not needed again until they change. `use`: whether calls have a way back.
  /// Throws as BlobLayout::check.
  void set_weights(const Tensor& weights,
                   PackedWeights::Use use = PackedWeights::Use::training,
                   const Execution& execution = {});

  /// x (batch, steps, features), dense f32 -> outputs that stay until the next call. When training, x must
  /// stay as it is until backward. Throws Error: dtype for a sparse input, which is one of ids, and other
  /// elements; shape for tensors that do not fit; invalid_argument for lengths out of range or with axis 2,
  /// for states that the op does not have, for dropout factors without training, and before set_weights.
  const RnnStackOutputs& forward(const Tensor& x,
                                 const RnnStackInputs& inputs = {},
                                 const Execution& execution = {});

  /// Gradients of the last forward, a training one, with the sum of all outputs times theirs as the loss;
  /// each such forward serves once. Throws Error: shape or dtype for gradients that do not fit,
  /// invalid_argument without such a forward.
  [[nodiscard]] RnnStackGradients backward(const RnnStackOutputGradients& gradients,
                                           const Execution& execution = {});

  /// The outputs of the last forward, to be taken; when training, y must stay as it is until backward.
  [[nodiscard]] RnnStackOutputs take_outputs() noexcept { return std::move(outputs_); }

  /// What the last call did in one layer and direction.
  [[nodiscard]] const Report& report(int layer, int direction) const noexcept {
    return stack_.report(layer, direction);
  }

 private:
  void check_x(const Tensor& x) const;
  void check_lengths(const RnnStackInputs& inputs, i64 batch) const;
  void check_states(const RnnStackInputs& inputs, const Shape& shape) const;
  void take_dropout(const RnnStackInputs& inputs, i64 batch, const Execution& execution);
  void bind_layer_outputs(bool wanted);
  [[nodiscard]] Shape states_shape(i64 batch) const;

  void check_gradients(const RnnStackOutputGradients& gradients) const;

  [[nodiscard]] bool has_c() const noexcept { return options_.op == RecurrentOp::lstm; }

  RnnStackOptions options_;
  BlobStack stack_;
  Shape weights_shape_;
  std::vector<int> lengths_;
  std::vector<Tensor> factors_;
  std::vector<StackRun> runs_;
  StackCall call_;
  bool trained_ = false;
  bool gives_layers_ = false;
  RnnStackOutputs outputs_;
};

/// One call: x (batch, steps, features) through a stack whose weights are `weights`, in any of the shapes
/// that BlobLayout::check takes. The stack's input is as wide as x. Who calls repeatedly, or wants gradients,
/// uses RnnStack. Throws as its functions.
[[nodiscard]] RECURRA_API RnnStackOutputs optimized_rnn_stack(const Tensor& weights,
                                                              const Tensor& x,
                                                              const RnnStackOptions& options,
                                                              const RnnStackInputs& inputs = {},
                                                              const Execution& execution = {});

}  // namespace recurra
