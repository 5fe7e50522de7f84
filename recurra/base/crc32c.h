/// CRC-32C (Castagnoli), the checksum of our files: finds every damage of up to 32 bits in a row.
#pragma once

#include <cstdint>
#include <span>

#include "recurra/base/platform.h"

namespace recurra {

/// The checksum of `bytes`, as iSCSI (RFC 3720) and ext4 have it. `seed` is the checksum of what came before:
/// `crc32c(b, crc32c(a))` is that of a and b in one piece.
[[nodiscard]] RECURRA_API std::uint32_t crc32c(std::span<const std::byte> bytes,
                                               std::uint32_t seed = 0) noexcept;

}  // namespace recurra
