/// UTF-8 (RFC 3629), a code point at a time.
///
/// Private to the library.
#pragma once

#include <cstddef>
#include <string_view>

#include "recurra/base/platform.h"

namespace recurra {

/// Bytes of the code point that begins at byte `at` < size of `text`; 0 where none does: cut short, longer
/// than need be, a surrogate, or beyond U+10FFFF.
[[nodiscard]] RECURRA_API std::size_t utf8_length(std::string_view text, std::size_t at) noexcept;

/// Offset of the first byte that belongs to no code point, or the size of `text`.
[[nodiscard]] RECURRA_API std::size_t first_not_utf8(std::string_view text) noexcept;

}  // namespace recurra
