/// Losses: one number for a batch of outputs and targets, and its gradient.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "recurra/base/tensor.h"

namespace recurra {

/// Mean over all samples (and, with steps, over those within each row's length), as Keras's
/// sum_over_batch_size.
class RECURRA_API Loss {
 public:
  Loss() = default;
  virtual ~Loss() = default;
  Loss(const Loss&) = delete;
  Loss& operator=(const Loss&) = delete;
  Loss(Loss&&) = delete;
  Loss& operator=(Loss&&) = delete;

  /// Keras's name, sparse_categorical_crossentropy, ….
  [[nodiscard]] virtual const char* name() const noexcept = 0;

  /// The loss of a batch; where `gradient` is not null, its derivative by `output`, of output's shape.
  /// `lengths`: steps that count of each row of a (batch, steps, …) output; empty: all. Throws Error (shape,
  /// dtype, or invalid_argument for a label out of range).
  virtual double compute(const Tensor& output,
                         const Tensor& target,
                         std::span<const int> lengths,
                         Tensor* gradient) const = 0;
};

/// -log softmax(output)[label]: output (batch, …, classes) are logits, target i32 (batch, …), labels in [0,
/// classes).
class RECURRA_API SparseCategoricalCrossentropy final : public Loss {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "sparse_categorical_crossentropy"; }

  double compute(const Tensor& output,
                 const Tensor& target,
                 std::span<const int> lengths,
                 Tensor* gradient) const override;
};

/// Mean over the last axis of (output - target)^2; target f32 of output's shape.
class RECURRA_API MeanSquaredError final : public Loss {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "mean_squared_error"; }

  double compute(const Tensor& output,
                 const Tensor& target,
                 std::span<const int> lengths,
                 Tensor* gradient) const override;
};

/// The loss called `name`, Keras's long or short form. Throws Error (unsupported).
[[nodiscard]] RECURRA_API std::unique_ptr<Loss> make_loss(std::string_view name);

/// Throws Error unless `labels` is i32 of the shape of output's (batch, …) and every label is in [0,
/// classes).
void check_labels(const Tensor& output, const Tensor& labels);

/// Samples of a (batch, …, n) output: whether each counts, and how many do. Samples are rows of the last
/// axis.
class CountedSamples {
 public:
  /// Of `output` with these lengths; empty: every step counts.
  CountedSamples(const Tensor& output, std::span<const int> lengths);

  /// Whether sample `sample` counts, 0 to samples() - 1.
  [[nodiscard]] bool counts(i64 sample) const noexcept {
    return lengths_.empty() || sample % steps_ < lengths_[static_cast<std::size_t>(sample / steps_)];
  }

  /// All samples, and those that count.
  [[nodiscard]] i64 samples() const noexcept { return samples_; }

  [[nodiscard]] i64 counted() const noexcept { return counted_; }

 private:
  std::span<const int> lengths_;
  i64 steps_ = 1;
  i64 samples_;
  i64 counted_;
};

}  // namespace recurra
