/// What a file says, as an error's text can show it.
///
/// Private to the library.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "recurra/base/platform.h"

namespace recurra {

/// Control characters as `?`.
[[nodiscard]] RECURRA_API std::string without_controls(std::string text);

/// At most 80 bytes of `text`, cut between code points, control characters as `?`. Bytes that are not UTF-8
/// stay as they are.
[[nodiscard]] RECURRA_API std::string shortened(std::string_view text);

/// The same in double quotes.
[[nodiscard]] RECURRA_API std::string shown(std::string_view text);

/// Names as shown one after the other, with commas between; "none" of none. At most ten, then `…`.
[[nodiscard]] RECURRA_API std::string shown_list(std::span<const std::string> names);

}  // namespace recurra
