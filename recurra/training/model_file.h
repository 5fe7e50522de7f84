/// What files of all models have: their version, and JSON in the metadata. Not for users of the library.
///
/// Private to the library.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "recurra/formats/weight_table.h"

namespace recurra {

/// Files of this version and all before it can be read. Version 1 has no training.
inline constexpr const char* model_format_version = "2";

/// Returns the version of a model file. Throws Error: format where it is none, unsupported for a newer one.
[[nodiscard]] std::string check_model_format(const WeightTable& table, const std::string& path);

/// The object under `key`. Throws Error (format) for anything else.
[[nodiscard]] nlohmann::json model_file_object(const WeightTable& table,
                                               const char* key,
                                               const std::string& path);

}  // namespace recurra
