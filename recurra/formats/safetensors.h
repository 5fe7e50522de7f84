/// The safetensors format (huggingface.co/docs/safetensors): a length, a JSON header, the tensors' bytes.
#pragma once

#include <filesystem>

#include "recurra/base/platform.h"
#include "recurra/formats/weight_table.h"

namespace recurra {

/// Reads every tensor of a safetensors file, in the header's order, and its `__metadata__`.
///
/// Element types F32, U8, I32 and I64; at most 100,000 tensors of rank 0 to 8 and a header of 100 MB. The
/// whole header is checked before memory is taken for a tensor: names are unique, every length is its
/// shape's, and the tensors cover the rest of the file without gap or overlap. The checksums of
/// write_safetensors are compared where a file has them, and are not in the table's metadata; then every
/// damage is found. Files of other writers have none.
/// Throws Error naming the path: io (cannot be read), unsupported (another element type), format (all else).
[[nodiscard]] RECURRA_API WeightTable read_safetensors(const std::filesystem::path& path);

/// Writes the table as a safetensors file, whole or not at all (`write_file_atomically`). Header and metadata
/// keep the table's order; every tensor is aligned to its element size.
///
/// Two entries of metadata are added: "crc32c" with the CRC-32C of each tensor and "header_crc32c" with the
/// header's. A program that changes such a file must drop both, else it is refused as damaged.
///
/// Throws Error: io (path and reason), invalid_argument (a name or metadata that is not UTF-8, the name
/// `__metadata__`, metadata of these two keys, or a table beyond the limits of `read_safetensors`).
RECURRA_API void write_safetensors(const std::filesystem::path& path, const WeightTable& table);

}  // namespace recurra
