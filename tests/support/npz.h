/// Reads numpy's .npz archives of golden numbers.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "recurra/base/tensor.h"

namespace recurra::test {

/// All arrays by name; float32 and float64 become f32, integers i32. Throws std::runtime_error on anything
/// else.
[[nodiscard]] std::map<std::string, Tensor> read_npz(const std::filesystem::path& path);

}  // namespace recurra::test
