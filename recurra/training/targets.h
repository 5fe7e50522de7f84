/// What losses and metrics check of outputs and targets before they read them.
///
/// Private to the library.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "recurra/base/tensor.h"

namespace recurra {

/// An output as rows of its last axis, one a sample.
struct OutputRows {
  i64 rows;
  i64 width;  ///< of a row
};

/// Throws Error (dtype or shape) unless `output` is f32 with a batch axis and another one, which is not
/// empty.
[[nodiscard]] OutputRows rows_of(const Tensor& output);

/// Labels of output's samples: i32 (batch, …) or (batch, …, 1) for an output (batch, …, classes). Throws
/// Error (dtype or shape).
[[nodiscard]] std::span<const std::int32_t> labels_of(const Tensor& output, const Tensor& labels);

/// As labels_of; throws Error (invalid_argument) too unless every label is `ignored` or in 0 .. classes - 1.
std::span<const std::int32_t> check_labels(const Tensor& output,
                                           const Tensor& labels,
                                           std::optional<int> ignored = {});

/// Element types a target may have.
enum class TargetKind { floats, floats_or_integers };

/// A number for each element of an output.
class TargetValues {
 public:
  /// `target` of output's shape, or without its last axis where that is 1. Throws Error (dtype or shape),
  /// also for the output as rows_of.
  TargetValues(const Tensor& output, const Tensor& target, TargetKind kind);

  /// For element i of the output.
  [[nodiscard]] float operator[](i64 i) const noexcept {
    return floats_ != nullptr ? floats_[i] : static_cast<float>(integers_[i]);
  }

 private:
  const float* floats_ = nullptr;
  const std::int32_t* integers_ = nullptr;
};

}  // namespace recurra
