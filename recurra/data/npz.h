/// Reader and writer of npz files: zip archives of npy files. In a library of its own, recurra::npz, which
/// needs libzip.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "recurra/base/platform.h"
#include "recurra/base/tensor.h"

namespace recurra {

/// An array and what it is called in its archive, without `.npy`.
struct NamedTensor {
  std::string name;
  Tensor tensor;
};

/// Reads all arrays of an npz file in the archive's order: stored or deflated members, each as `read_npy`
/// takes it, at most 100,000.
///
/// Refused are encrypted members, names that come twice or do not end in `.npy`, and members that are not as
/// large as their own header says or whose checksum is wrong; memory is taken only for what a file of its
/// size can inflate to. Throws Error naming the path, and the member where it is one's: io (cannot be read),
/// unsupported (another element type, version or compression), format (all else).
[[nodiscard]] RECURRA_API std::vector<NamedTensor> read_npz(const std::filesystem::path& path);

/// Reads only the arrays of these names, in this order; what else there is may be of any type.
///
/// Throws as the other, and Error (invalid_argument) for a name the archive does not have.
[[nodiscard]] RECURRA_API std::vector<NamedTensor> read_npz(const std::filesystem::path& path,
                                                            std::span<const std::string> names);

/// Writes the arrays as stored members, whole or not at all (`write_file_atomically`). The same arrays give
/// the same bytes. The archive is made in memory first. Throws Error: io (path and reason), invalid_argument
/// (a name that is empty, has a NUL or comes twice, more than 100,000 arrays, a rank above 8).
RECURRA_API void write_npz(const std::filesystem::path& path, std::span<const NamedTensor> arrays);

}  // namespace recurra
