/// Shapes of tensors, and the checked arithmetic every size goes through before memory is taken.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "recurra/base/platform.h"

namespace recurra {

/// a * b. Throws Error (invalid_argument) with `subject` where the product does not fit or a factor is
/// negative.
[[nodiscard]] RECURRA_API i64 checked_multiply(i64 a, i64 b, const char* subject);

/// a + b, in the same way.
[[nodiscard]] RECURRA_API i64 checked_add(i64 a, i64 b, const char* subject);

/// Extents of a tensor, outermost first: `(batch, steps, features)`.
class RECURRA_API Shape {
 public:
  Shape() = default;

  /// The extents in order; none is checked here.
  Shape(std::initializer_list<i64> extents) : extents_(extents) {}

  /// The same, of a list.
  explicit Shape(std::vector<i64> extents) : extents_(std::move(extents)) {}

  [[nodiscard]] int rank() const noexcept { return static_cast<int>(extents_.size()); }

  /// Extent of `axis`, 0 to rank() - 1.
  [[nodiscard]] i64 operator[](int axis) const noexcept { return extents_[static_cast<std::size_t>(axis)]; }

  /// The same, to be changed.
  [[nodiscard]] i64& operator[](int axis) noexcept { return extents_[static_cast<std::size_t>(axis)]; }

  [[nodiscard]] i64 back() const noexcept { return extents_.back(); }

  [[nodiscard]] const std::vector<i64>& extents() const noexcept { return extents_; }

  /// Number of elements; 1 for rank 0. Throws Error (invalid_argument) on a negative extent or overflow.
  [[nodiscard]] i64 elements() const;

  /// `(64, 512)`, `(10,)`, `()`.
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  std::vector<i64> extents_;
};

}  // namespace recurra
