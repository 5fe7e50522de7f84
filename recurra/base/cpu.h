/// What the machine under us is: processors, instruction sets, cache sizes.
#pragma once

#include <string>

#include "recurra/base/platform.h"

namespace recurra {

/// Processors this process may use (its affinity mask), at least 1.
[[nodiscard]] RECURRA_API int usable_processors() noexcept;

/// AVX2 with FMA, usable by the operating system too.
[[nodiscard]] RECURRA_API bool cpu_has_avx2() noexcept;

/// AVX-512 F, VL, DQ and BW, usable by the operating system too.
[[nodiscard]] RECURRA_API bool cpu_has_avx512() noexcept;

/// Bytes of one core's second-level cache; 1 MiB where the system does not say.
[[nodiscard]] RECURRA_API i64 second_level_cache() noexcept;

/// The processor's name as the system gives it, or "unknown".
[[nodiscard]] RECURRA_API std::string cpu_name();

}  // namespace recurra
