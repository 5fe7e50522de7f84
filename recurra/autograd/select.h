/// Choosing between values, element by element.
#pragma once

#include "recurra/autograd/variable.h"

namespace recurra::autograd {

/// a where `condition` is not 0, else b; all three are broadcast to one shape, as in arithmetic.h. The
/// condition is u8, as `less` gives it, or f32, and has no gradient. Throws Error: shape where extents do not
/// go together, dtype for other elements, invalid_argument for an empty variable.
[[nodiscard]] RECURRA_API Variable where(const Variable& condition,
                                         const Variable& a,
                                         const Variable& b,
                                         std::string_view name = {});

/// x, at least `low` and at most `high`; outside there is no gradient. Throws Error: invalid_argument unless
/// low <= high, dtype unless x is f32.
[[nodiscard]] RECURRA_API Variable clip(const Variable& x, float low, float high, std::string_view name = {});

}  // namespace recurra::autograd
