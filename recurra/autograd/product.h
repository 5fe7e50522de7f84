/// Products of matrices on the target's kernels, for functions and their way back.
///
/// Private to the library.
#pragma once

#include "recurra/base/tensor.h"
#include "recurra/engine/plan.h"

namespace recurra::autograd {

/// A matrix in memory: element (row, column) at row * columns + column, or, transposed, at column * rows +
/// row.
struct Matrix {
  const float* data = nullptr;
  i64 rows = 0;
  i64 columns = 0;
  bool transposed = false;

  [[nodiscard]] Matrix turned() const noexcept { return {data, columns, rows, !transposed}; }
};

/// The right operand of a product as the kernels read it.
class PackedMatrix {
 public:
  PackedMatrix() = default;

  /// Throws Error (invalid_argument) where an extent is above 2^20.
  PackedMatrix(const Matrix& matrix, const Target& target);

  /// Packs another matrix of the same shape and target.
  void pack(const Matrix& matrix) noexcept;

  [[nodiscard]] const Panels& panels() const noexcept { return panels_; }

  [[nodiscard]] const Target& target() const noexcept { return *target_; }

  [[nodiscard]] int depth() const noexcept { return depth_; }

  [[nodiscard]] const float* data() const { return memory_.data(); }

 private:
  const Target* target_ = nullptr;
  Panels panels_;
  int depth_ = 0;
  Tensor memory_;
};

/// What happens to what stands where a product goes.
enum class Into { overwrite, add };

/// c (a.rows, b.columns) = a b, each element one chain of multiply-adds over the inner extent in order, or c
/// + that chain. On this thread's execution and target.
void multiply_matrices(const Matrix& a, const Matrix& b, float* c, Into into = Into::overwrite);

/// The same with the right operand packed for this thread's target.
void multiply_matrices(const Matrix& a, const PackedMatrix& b, float* c, Into into = Into::overwrite);

}  // namespace recurra::autograd
