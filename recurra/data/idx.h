/// Reader of idx files, the format of MNIST and its kin: a header with type and extents, then the elements.
#pragma once

#include <filesystem>

#include "recurra/base/platform.h"
#include "recurra/base/tensor.h"

namespace recurra {

/// Reads an idx file of unsigned bytes into a u8 tensor of the file's own shape, rank 1 to 8.
///
/// A gzip file is recognised by its first bytes, whatever its name. The file must hold exactly the bytes its
/// header promises, and memory is taken only for what a file of its size can hold.
/// Throws Error naming the path: io (cannot be read), unsupported (another element type), format (all else).
[[nodiscard]] RECURRA_API Tensor read_idx(const std::filesystem::path& path);

}  // namespace recurra
