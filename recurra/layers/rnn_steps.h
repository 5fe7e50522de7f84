/// What RNN's loop over steps is made of: steps of sequences copied out and in, and steps that do not count.
///
/// Private to the library.
#pragma once

#include "recurra/layers/cell.h"
#include "recurra/layers/step_mask.h"

namespace recurra {

/// (batch, …) of (batch, steps, …), in recycled memory.
[[nodiscard]] Tensor step_of(const Tensor& sequence, i64 step);

/// Puts (batch, …) into (batch, steps, …); null: zeros.
void put_step(const Tensor* values, i64 step, Tensor& sequence);

/// (batch, …) or (batch, steps, …) of a shape without these axes.
[[nodiscard]] Shape with_axes(std::initializer_list<i64> axes, const Shape& shape);

/// Zeros as a variable.
[[nodiscard]] autograd::Variable zeros(const Shape& shape);

/// Which rows of a batch count at one step.
class CountedRows {
 public:
  /// Null: all.
  CountedRows(const StepMask* mask, i64 step);

  [[nodiscard]] bool all() const noexcept { return counted_ == batch_; }

  [[nodiscard]] bool none() const noexcept { return counted_ == 0 && batch_ > 0; }

  /// `made` in the rows that count, `before` in the others; both (batch, …).
  [[nodiscard]] autograd::Variable choose(const autograd::Variable& made,
                                          const autograd::Variable& before) const;

 private:
  const StepMask* mask_;
  i64 step_;
  i64 batch_ = 0;
  i64 counted_ = 0;
};

}  // namespace recurra
