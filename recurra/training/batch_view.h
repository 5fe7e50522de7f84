/// A batch as a pass looks at it, wherever its memory is.
#pragma once

#include <span>

#include "recurra/data/examples.h"

namespace recurra {

/// Parts of a batch that lives elsewhere; null where absent.
struct BatchView {
  /// Inputs and targets.
  BatchView(const Tensor& inputs, const Tensor* targets, std::span<const int> steps)
      : x(&inputs), y(targets), lengths(steps) {}

  /// All parts of `batch`.
  explicit BatchView(const Batch& batch) : BatchView(batch.x, &batch.y, batch.lengths) {
    take(batch.sample_weights, batch.mask);
    more_x = batch.more_x;
    more_y = batch.more_y;
  }

  /// All examples as one batch.
  explicit BatchView(const Examples& examples) : BatchView(examples.x, &examples.y, examples.lengths) {
    take(examples.sample_weights, examples.mask);
    more_x = examples.more_x;
    more_y = examples.more_y;
  }

  /// Examples in it.
  [[nodiscard]] i64 rows() const noexcept { return x->shape()[0]; }

  const Tensor* x;                         ///< (batch, …)
  const Tensor* y;                         ///< (batch, …)
  std::span<const int> lengths;            ///< (batch), or empty
  const Tensor* sample_weights = nullptr;  ///< (batch) or (batch, steps)
  const Tensor* mask = nullptr;            ///< u8 (batch, steps)
  std::span<const Tensor> more_x{};        ///< further inputs, each (batch, …)
  std::span<const Tensor> more_y{};        ///< further targets, each (batch, …)

 private:
  void take(const Tensor& weights, const Tensor& steps) {
    sample_weights = weights.size() > 0 ? &weights : nullptr;
    mask = steps.size() > 0 ? &steps : nullptr;
  }
};

/// Throws Error (shape, dtype or invalid_argument), subject `batch`, unless the parts have as many rows and,
/// where they have them, steps as x. Takes the same time for any size: values are not looked at.
void check_batch(const BatchView& batch);

/// The shape of one example of x (batch, …).
[[nodiscard]] inline Shape shape_of_example(const Tensor& x) {
  return Shape(std::vector<i64>(x.shape().extents().begin() + 1, x.shape().extents().end()));
}

}  // namespace recurra
