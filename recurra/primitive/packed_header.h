/// The tag in front of packed weights.
///
/// Private to the library.
#pragma once

#include <cstddef>

#include "recurra/primitive/weights_desc.h"

namespace recurra::primitive {

/// Bytes of the tag; the packs behind it begin at a cache line.
inline constexpr i64 packed_header_size = 320;

/// Writes the tag of a format.
void write_header(std::byte* memory, const WeightsDesc& desc) noexcept;

/// Takes the tag away.
void clear_header(std::byte* memory) noexcept;

/// The words of the format that memory is tagged with; null where it has no tag.
[[nodiscard]] const char* format_of(const std::byte* memory) noexcept;

}  // namespace recurra::primitive
