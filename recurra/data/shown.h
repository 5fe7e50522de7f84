/// What a file says, as an error's text can show it.
///
/// Private to the library.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace recurra {

/// At most 80 bytes of `text`, cut between code points, control characters as `?`. Bytes that are not UTF-8
/// stay as they are.
[[nodiscard]] std::string shortened(std::string_view text);

/// The same in double quotes.
[[nodiscard]] std::string shown(std::string_view text);

/// Names as shown one after the other, with commas between; "none" of none. At most ten, then `…`.
[[nodiscard]] std::string shown_list(std::span<const std::string> names);

}  // namespace recurra
