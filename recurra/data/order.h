/// The order in which an epoch visits its examples: a function of the seed and the epoch alone.
#pragma once

#include <cstdint>
#include <vector>

#include "recurra/base/platform.h"

namespace recurra {

/// 0 to `count` - 1 as they are. Throws Error (invalid_argument) below 0 or from 2^31 up.
[[nodiscard]] RECURRA_API std::vector<int> plain_order(i64 count);

/// A random order of them (Fisher and Yates), the same on every machine. Errors as plain_order.
[[nodiscard]] RECURRA_API std::vector<int> shuffled_order(i64 count, std::uint64_t seed, i64 epoch);

}  // namespace recurra
