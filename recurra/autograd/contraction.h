/// Products of batches of matrices as one operation: what matmul and einsum become.
///
/// Private to the library.
#pragma once

#include <vector>

#include "recurra/autograd/call.h"
#include "recurra/autograd/product.h"

namespace recurra::autograd {

/// Matrices of a (rows, inner) times those of b (inner, columns). Each lies in its variable as said or, where
/// transposed, turned; item i of the result is matrix a_items[i] of a times b_items[i] of b.
struct Contraction {
  i64 rows = 1;
  i64 inner = 1;
  i64 columns = 1;
  bool a_transposed = false;
  bool b_transposed = false;
  std::vector<i64> a_items = {0};
  std::vector<i64> b_items = {0};

  [[nodiscard]] Matrix a(const float* data, i64 item) const {
    const float* at = data + a_items[static_cast<std::size_t>(item)] * rows * inner;
    return {at, rows, inner, a_transposed};
  }

  [[nodiscard]] Matrix b(const float* data, i64 item) const {
    const float* at = data + b_items[static_cast<std::size_t>(item)] * inner * columns;
    return {at, inner, columns, b_transposed};
  }

  [[nodiscard]] i64 items() const { return static_cast<i64>(a_items.size()); }
};

/// The product, as `result` (items, rows, columns), both f32 and of the sizes said. A b of one matrix is
/// packed once for all its products, both ways.
[[nodiscard]] Variable contract(
    const Called& called, const Variable& a, const Variable& b, Contraction contraction, Shape result);

}  // namespace recurra::autograd
