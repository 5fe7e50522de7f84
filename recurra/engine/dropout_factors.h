/// The factors by which dropout multiplies.
///
/// Private to the library.
#pragma once

#include <span>

#include "recurra/base/random.h"
#include "recurra/engine/call.h"

namespace recurra {

/// Element i becomes 0 with probability `rate`, 0 to 1, else 1 / (1 - rate), by draw i of `random` from where
/// it stands: threads draw what one would.
void draw_dropout_factors(double rate,
                          const Random& random,
                          std::span<float> factors,
                          const Execution& execution);

/// Throws Error (invalid_argument) with `subject` unless a share that is dropped out is in [0, 1).
void check_dropped_share(const char* subject, double share);

}  // namespace recurra
