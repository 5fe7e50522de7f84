/// How many threads a call uses that does not say: one number for the process.
#pragma once

#include "recurra/base/platform.h"

namespace recurra {

/// The largest team.
inline constexpr int most_threads = 64;

/// Threads of a call whose Execution names no number: what set_threads said last; before that, what the
/// environment variable RECURRA_THREADS says, read at the first use; where it is not set,
/// usable_processors(), at most 64. Throws Error (invalid_argument) where RECURRA_THREADS is not a number
/// from 1 to 64.
[[nodiscard]] RECURRA_API int threads();

/// Sets what threads() returns from now on, in every thread: 1 to 64, or 0 for all the processors this
/// process may use, whatever the environment says. Calls that run already keep their number. Throws Error
/// (invalid_argument) on another number.
RECURRA_API void set_threads(int threads);

/// Throws Error (invalid_argument), subject "threads", unless `threads` is 0 to 64.
RECURRA_API void check_threads(int threads);

}  // namespace recurra
