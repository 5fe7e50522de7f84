/// The calls of a stack's layers and directions, over all steps or some of them.
///
/// Private to the library.
#pragma once

#include "recurra/engine/jobs.h"
#include "recurra/engine/stack.h"

namespace recurra {

/// Throws Error (invalid_argument) unless there are no runs, or one for each layer and direction.
void check_runs(const StackPlan& plan, std::size_t runs);

/// Direction d's part of a sequence of both, `width` wide.
template <class T>
[[nodiscard]] SequenceOf<T> side(const SequenceOf<T>& both, int d, i64 width) noexcept {
  return {both.data != nullptr ? both.data + d * width : nullptr, both.step_stride, both.row_stride};
}

/// A sequence from step `first` on.
template <class T>
[[nodiscard]] SequenceOf<T> from_step(const SequenceOf<T>& all, i64 first) noexcept {
  return {
      all.data != nullptr ? all.data + first * all.step_stride : nullptr, all.step_stride, all.row_stride};
}

/// Calls visit(a, b), pointers to the features of `from` and `to`, for all their steps and rows.
template <class A, class B, class Visit>
void for_each_row(
    i64 steps, i64 batch, const SequenceOf<A>& from, const SequenceOf<B>& to, Visit visit) noexcept {
  for (i64 t = 0; t < steps; ++t) {
    for (i64 row = 0; row < batch; ++row) {
      visit(from.data + t * from.step_stride + row * from.row_stride,
            to.data + t * to.step_stride + row * to.row_stride);
    }
  }
}

/// A stack's call, cut into those of its layers and directions. `part` are steps of the caller's; memory
/// between the layers has them from its start.
class StackCalls {
 public:
  /// Throws Error as forward of a stack does of what does not belong to one layer.
  StackCalls(const StackPlan& plan,
             const StackPacks& weights,
             const StackCall& call,
             StackWorkspace& workspace);

  [[nodiscard]] Steps all_steps() const noexcept { return {0, call_.steps}; }

  /// From now on inference is a wavefront of chunks of `steps` steps: two of these lie behind each layer.
  void go_in_waves(i64 steps) noexcept { wave_ = workspace_.room().training ? 0 : steps; }

  /// What a layer's directions write, side by side: at the top the caller's memory, unless they are added.
  [[nodiscard]] Sequence outputs(int layer, Steps part) const noexcept;

  /// A layer's output as the next one sees it, or the caller.
  [[nodiscard]] Sequence joined(int layer, Steps part) const noexcept;

  /// The call of one layer and direction. Where `part` is not all steps, the states before it and behind it
  /// are carried in the workspace, and so are its lengths.
  [[nodiscard]] Call of(int layer, int d, Steps part) const noexcept;

  /// That call with its plan, weights and memory.
  [[nodiscard]] Job job(int layer, int d, const Call& call) const noexcept;

  /// The rows' lengths within `part`, for a layer and direction.
  void cut_lengths(int layer, int d, Steps part) const noexcept;

  /// joined = direction d's outputs, or += where it is not the first to come to `part`.
  void join(int layer, int d, Steps part, bool is_first) const noexcept;

  /// A layer and direction's own output to the caller, where it was not written there.
  void give_output(int layer, int d, const Sequence& from, Steps part) const noexcept;

  [[nodiscard]] std::size_t index(int layer, int d) const noexcept {
    return static_cast<std::size_t>(layer * plan_.directions() + d);
  }

  [[nodiscard]] bool is_top(int layer) const noexcept { return layer + 1 == plan_.layers(); }

 private:
  const StackPlan& plan_;
  const StackPacks& weights_;
  const StackCall& call_;
  StackWorkspace& workspace_;
  i64 wave_ = 0;  // steps of a chunk
};

}  // namespace recurra
