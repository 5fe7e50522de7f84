/// The memory an execution of an RNN primitive works in.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "recurra/primitive/rnn_primitive.h"
#include "recurra/primitive/tensor_places.h"

namespace recurra::primitive {

/// Memory for executions of one descriptor, forward, or forward_training and the backward behind it, up to
/// some number of steps and rows. After it was made an execution allocates nothing. It serves one execution
/// at a time; threads that share a primitive each have their own.
class RECURRA_API RnnWorkspace {
 public:
  /// For up to `steps` and `batch`; of forward_training or backward, for both. Throws Error
  /// (invalid_argument) on sizes outside 0 to 2^31 - 1 or whose memory overflows, std::bad_alloc.
  RnnWorkspace(const RnnPrimitive& primitive, i64 steps, i64 batch);

  /// In memory of the caller's, `bytes(primitive, steps, batch)` of each at a cache line, which must outlive
  /// it: `workspace` unchanged from a forward_training to its backward, `scratchpad` only within an
  /// execution. Neither needs to hold anything at first. Throws as above, and Error (invalid_argument) on
  /// memory that is too small or not aligned.
  RnnWorkspace(const RnnPrimitive& primitive,
               i64 steps,
               i64 batch,
               std::span<std::byte> workspace,
               std::span<std::byte> scratchpad);

  /// The memory that executions need: `kept` is the workspace, 0 but for training, `scratch` the scratchpad,
  /// which in inference does not grow with the steps, unless there are several cross-fed layers of both
  /// directions: outputs of two layers then lie in it. Throws Error (invalid_argument) as the constructors.
  [[nodiscard]] static MemoryBytes bytes(const RnnPrimitive& primitive, i64 steps, i64 batch);

  /// Throws Error (invalid_argument) unless made for a primitive like this: it may differ in propagation
  /// between forward_training and backward.
  void check(const RnnPrimitive& primitive) const;

  /// The engine's own view.
  [[nodiscard]] StackWorkspace& stack() noexcept { return stack_; }

  /// The same: states of every layer and direction.
  [[nodiscard]] std::span<StackRun> runs() noexcept { return runs_; }

  /// The same: gradients.
  [[nodiscard]] std::span<StackRunGradients> gradient_runs() noexcept { return gradient_runs_; }

  /// The same: the share of the old state that zoneout leaves in inference, for all units.
  [[nodiscard]] ConstSequence shares(int state) const noexcept { return {shares_[state].data(), 0, 0}; }

  /// The same: where the tensors of an execution lie.
  [[nodiscard]] TensorPlaces& places() noexcept { return places_; }

  /// The caller's memory, if it gave any: the workspace.
  [[nodiscard]] std::span<const std::byte> given_workspace() const noexcept { return given_workspace_; }

  /// The same: the scratchpad.
  [[nodiscard]] std::span<const std::byte> given_scratchpad() const noexcept { return given_scratchpad_; }

  /// The packs an execution runs on: those of its arguments, or plain weights packed here. Throws Error where
  /// the weights do not fit the descriptor.
  [[nodiscard]] const StackPacks& packs_of(const RnnPrimitive& primitive,
                                           const ForwardArguments& arguments,
                                           const Execution& execution);

 private:
  explicit RnnWorkspace(const RnnPrimitive& primitive);

  RnnDesc desc_;
  StackPlan plan_;
  StackWorkspace stack_;
  std::vector<StackRun> runs_;
  std::vector<StackRunGradients> gradient_runs_;
  std::optional<StackPacks> packs_;  // of plain weights
  std::vector<Weights> weights_;
  TensorPlaces places_;
  std::span<const std::byte> given_workspace_, given_scratchpad_;
  std::vector<float> shares_[2];
  std::span<float> packs_memory_;  // where the caller gave it
};

}  // namespace recurra::primitive
