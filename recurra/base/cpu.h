/// What the machine under us is: processors, instruction sets, cache sizes.
#pragma once

#include <filesystem>
#include <string>

#include "recurra/base/platform.h"

namespace recurra {

/// Processors this process may use, at least 1: those of its affinity mask, no more than quota_processors.
[[nodiscard]] RECURRA_API int usable_processors() noexcept;

/// Processors' worth of time the control groups of this process may use, rounded up: cpu.max (version 2) and
/// cpu.cfs_quota_us (version 1) of its group and of those above it. 0: nothing limits it, or nothing can be
/// read. `root`: the folder in which proc/ and sys/ stand.
[[nodiscard]] RECURRA_API int quota_processors(const std::filesystem::path& root = "/") noexcept;

/// AVX2 with FMA, usable by the operating system too.
[[nodiscard]] RECURRA_API bool cpu_has_avx2() noexcept;

/// AVX-512 F, VL, DQ and BW, usable by the operating system too.
[[nodiscard]] RECURRA_API bool cpu_has_avx512() noexcept;

/// Bytes of one core's second-level cache; 1 MiB where the system does not say.
[[nodiscard]] RECURRA_API i64 second_level_cache() noexcept;

/// The processor's name as the system gives it, or "unknown".
[[nodiscard]] RECURRA_API std::string cpu_name();

}  // namespace recurra
