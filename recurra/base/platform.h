/// Facts about the compiler and the platform; with simd/ and engine/dispatch/ the only place with
/// preprocessor conditions.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>

/// Marks what the library exports; everything else is hidden.
#define RECURRA_API __attribute__((visibility("default")))

/// A condition only our own mistake can break. A user's mistake throws recurra::Error instead.
#define RECURRA_CHECK(condition) assert(condition)

/// Kernels live on being inlined; a call inside a tile costs more than the tile's work.
#define RECURRA_INLINE [[gnu::always_inline]] inline

/// Before a loop with a constant count over registers: rolled up, its array would live in memory.
#if defined(__clang__)
#define RECURRA_UNROLL _Pragma("clang loop unroll(full)")
#else
#define RECURRA_UNROLL _Pragma("GCC unroll 16")
#endif

namespace recurra {

/// Sizes, strides and indices: signed, so that differences and reversed strides are plain arithmetic.
using i64 = std::int64_t;

/// Alignment in bytes of everything the kernels read: one cache line, one AVX-512 vector.
inline constexpr std::size_t cache_line = 64;

}  // namespace recurra
