/// Exponentials of a row, of which softmax and its losses are made.
#pragma once

#include <span>

#include "recurra/engine/dispatch/dispatch.h"

namespace recurra {

/// What softmax is made of: softmax(z)[j] = powers[j] / sum, log softmax(z)[j] = z[j] - largest - log(sum).
struct RowPowers {
  float largest = 0;  ///< of the row; -infinity without elements
  double sum = 0;     ///< of the powers, so that rows of any width add up to 1
};

/// powers[j] = exp(z[j] - the row's largest), on the target's kernels; powers may be z. Both of one length.
RECURRA_API RowPowers row_powers(std::span<const float> z,
                                 std::span<float> powers,
                                 const Target& target = active_target()) noexcept;

}  // namespace recurra
