/// JSON that comes from files and users.
///
/// Private to the library.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "recurra/base/platform.h"

namespace recurra {

/// Levels of lists and objects that are taken. What goes over JSON calls itself once a level.
inline constexpr int max_json_levels = 64;

/// Throws Error (format) with `subject` where `json` has more levels.
RECURRA_API void require_shallow(const nlohmann::json& json, const std::string& subject);

/// Discarded where `text` is no JSON. Throws Error (format) with `subject` where it has too many levels, at
/// the first letter of the one too much, whatever follows.
[[nodiscard]] RECURRA_API nlohmann::json parse_json(std::string_view text, const std::string& subject);

/// JSON as a message shows it: as `shortened` cuts and cleans it.
[[nodiscard]] RECURRA_API std::string shown_json(const nlohmann::json& json);

}  // namespace recurra
