/// The factors by which dropout multiplies.
///
/// Private to the library.
#pragma once

#include "recurra/base/tensor.h"
#include "recurra/layers/layer.h"

namespace recurra {

/// Where in a stream of random numbers drawing begins.
struct DropoutDraws {
  DropoutStream stream;
  std::uint64_t first = 0;
};

/// Element i becomes 0 with probability `rate`, 0 to 1, else 1 / (1 - rate), by draw `first + i`: threads
/// draw what one would.
void draw_dropout_factors(double rate,
                          const DropoutDraws& draws,
                          Tensor& factors,
                          const Execution& execution);

}  // namespace recurra
