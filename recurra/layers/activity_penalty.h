/// The cost of a layer's outputs: Keras's activity_regularizer.
#pragma once

#include <memory>

#include "recurra/layers/regularizers.h"

namespace recurra {

/// Regularizer of outputs, divided by the batch size, as Keras does. A layer calls `forward` with its output
/// in each pass, and `backward` before its own way back.
class RECURRA_API ActivityPenalty {
 public:
  ActivityPenalty() = default;

  /// Null: no cost.
  explicit ActivityPenalty(std::shared_ptr<const Regularizer> regularizer)
      : regularizer_(std::move(regularizer)) {}

  /// Takes the cost of y (batch, …).
  void forward(const Tensor& y);

  /// dy with the cost's gradient added; dy itself without a regularizer. Valid until the next call.
  [[nodiscard]] const Tensor& backward(const Tensor& y, const Tensor& dy);

  /// The same of an output that no other gradient may reach, dy null; null where none is left.
  [[nodiscard]] const Tensor* backward(const Tensor& y, const Tensor* dy);

  /// The cost of the last y; 0 before the first.
  [[nodiscard]] double value() const noexcept { return value_; }

  [[nodiscard]] const std::shared_ptr<const Regularizer>& regularizer() const noexcept {
    return regularizer_;
  }

 private:
  std::shared_ptr<const Regularizer> regularizer_;
  double value_ = 0;
  Tensor d_;
};

}  // namespace recurra
