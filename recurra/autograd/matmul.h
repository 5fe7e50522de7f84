/// Products of matrices and of tensors, on the kernels of the target.
#pragma once

#include "recurra/autograd/variable.h"

namespace recurra::autograd {

/// How the operands of matmul are read.
struct MatmulOptions {
  bool transpose_a = false;  ///< the last two axes of a exchanged, without a copy
  bool transpose_b = false;  ///< the same of b
};

/// a (…, rows, inner) times b (…, inner, columns): (…, rows, columns), as numpy's. Axes before the last two
/// are broadcast; a vector is a row in a, a column in b, and its axis goes. Each element is one chain of
/// multiply-adds over the inner extent in order. A b of two axes is packed once, however many products have
/// it. Throws Error: shape where extents do not fit, or for no axis; dtype unless elements are f32;
/// invalid_argument for an empty variable, a transposed vector, or an extent of matrices above 2^20.
[[nodiscard]] RECURRA_API Variable matmul(const Variable& a,
                                          const Variable& b,
                                          const MatmulOptions& options,
                                          std::string_view name = {});

/// The same as they lie.
[[nodiscard]] inline Variable matmul(const Variable& a, const Variable& b, std::string_view name = {}) {
  return matmul(a, b, MatmulOptions(), name);
}

/// Einstein's sum over two operands: einsum("bij,ijkl->bkl", x, W). A letter is an axis; those that do not
/// stand behind the arrow are summed over. Without an arrow the result has the letters that stand once, in
/// their order. A letter twice in an operand is its diagonal. It becomes one matmul, and copies only where
/// the order of axes is no matrix's. Throws Error: invalid_argument for an equation that is none, shape where
/// an operand has other axes than the equation, or a letter two extents; dtype and empty variables as matmul.
[[nodiscard]] RECURRA_API Variable einsum(std::string_view equation,
                                          const Variable& a,
                                          const Variable& b,
                                          std::string_view name = {});

/// The same of one operand: einsum("bij->jb", x).
[[nodiscard]] RECURRA_API Variable einsum(std::string_view equation,
                                          const Variable& a,
                                          std::string_view name = {});

}  // namespace recurra::autograd
