/// Which steps of each row of a batch count: what flows from layer to layer beside the values.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "recurra/base/platform.h"

namespace recurra {

/// A byte for each step of each row, 0 where it does not count; or empty: all count.
class RECURRA_API StepMask {
 public:
  /// All steps count.
  StepMask() = default;

  /// The first `lengths[row]` steps of each row count. Throws Error (invalid_argument) where one is outside 0
  /// to `steps`.
  [[nodiscard]] static StepMask of_lengths(std::span<const int> lengths, i64 steps);

  /// `counts` is (batch, steps). Throws Error (shape) where it has another size.
  [[nodiscard]] static StepMask of_bytes(i64 batch, i64 steps, std::vector<std::uint8_t> counts);

  /// Becomes of_lengths, in the memory it has.
  void assign(std::span<const int> lengths, i64 steps);

  /// Becomes a mask of (batch, steps) bytes, all 1, in the memory it has; the bytes are the caller's to
  /// change.
  std::span<std::uint8_t> assign(i64 batch, i64 steps);

  /// Becomes empty.
  void clear() noexcept;

  /// Whether all steps count because there is no mask.
  [[nodiscard]] bool empty() const noexcept { return !given_; }

  [[nodiscard]] i64 batch() const noexcept { return batch_; }

  [[nodiscard]] i64 steps() const noexcept { return steps_; }

  /// (batch, steps); null when empty.
  [[nodiscard]] const std::uint8_t* data() const noexcept { return given_ ? counts_.data() : nullptr; }

  /// True for any row and step when empty; else both must be within the mask.
  [[nodiscard]] bool counts(i64 row, i64 step) const noexcept {
    return !given_ || counts_[static_cast<std::size_t>(row * steps_ + step)] != 0;
  }

  /// Whether the steps that count are the first ones of each row; then `lengths` gets how many, (batch).
  /// Not when empty.
  bool to_lengths(std::vector<int>& lengths) const;

  /// Steps that count, over all rows; 0 when empty.
  [[nodiscard]] i64 counted() const noexcept;

 private:
  bool given_ = false;
  i64 batch_ = 0;
  i64 steps_ = 0;
  std::vector<std::uint8_t> counts_;
};

}  // namespace recurra
