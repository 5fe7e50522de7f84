/// Reader and writer of npy files, one NumPy array each.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>

#include "recurra/base/platform.h"
#include "recurra/base/tensor.h"
#include "recurra/data/npy_header.h"

namespace recurra {

/// Reads an npy file of version 1.0, 2.0 or 3.0, rank 0 to 8, in C or Fortran order, of either byte order.
///
/// Elements: f4 -> f32, i4 -> i32, i8 -> i64, u1 -> u8 as they are (NaN too); f2 and f8 -> f32, rounded; b1
/// -> u8 of 0 and 1; i1, i2, u2 -> i32; u4 -> i64. The file must hold exactly the bytes its header promises,
/// and memory is taken only for what a file of its size can hold. Throws Error naming the path: io (cannot be
/// read), unsupported (another version or element type), format (all else).
[[nodiscard]] RECURRA_API Tensor read_npy(const std::filesystem::path& path);

/// The same from the bytes of a whole file in memory; `subject` names them in errors.
[[nodiscard]] RECURRA_API Tensor parse_npy(std::span<const std::byte> bytes, const std::string& subject);

/// The same from `size` bytes that come in order. It does not ask for more than these.
[[nodiscard]] RECURRA_API Tensor parse_npy(const ReadBytes& read, i64 size, const std::string& subject);

/// Writes version 1.0 in C order, whole or not at all (`write_file_atomically`).
/// Throws Error: io (path and reason), invalid_argument (a rank above 8).
RECURRA_API void write_npy(const std::filesystem::path& path, const Tensor& tensor);

}  // namespace recurra
