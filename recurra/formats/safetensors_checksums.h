/// The checksums of our own safetensors files: two entries of the metadata that other programs pass over.
///
///   "crc32c"         {"tensor": "1a2b3c4d", …}, the CRC-32C of every tensor's bytes, as JSON in a string
///   "header_crc32c"  "5e6f7081", of the 8 bytes of length and the header's text with these digits as zeros
///
/// Together they cover every byte of the file. A file has both or, from another writer, neither: so a key
/// that is damaged does not pass for one that was never there.
///
/// Private to the library.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>

#include "recurra/formats/safetensors_header.h"

namespace recurra::safetensors {

inline constexpr const char* checksums_key = "crc32c";
inline constexpr const char* header_checksum_key = "header_crc32c";
inline constexpr const char* no_checksum = "00000000";

/// The CRC-32C as 8 hexadecimal digits.
[[nodiscard]] std::string checksum_of(std::span<const std::byte> bytes);

/// Puts the header's checksum in the place of `no_checksum` in its text.
void seal(std::string& header);

/// Expected checksums by tensor.
using Checksums = std::map<std::string, std::string>;

/// Takes the two entries out of the metadata, after proof that the header is the one that was sealed and that
/// every tensor has a checksum. Nothing for a file without checksums. Throws Error (format) naming the path.
[[nodiscard]] std::optional<Checksums> take_checksums(const std::filesystem::path& path, Header& header);

/// Throws Error (format) naming path and subject unless the two are equal.
void require_same(const std::filesystem::path& path,
                  const std::string& subject,
                  const std::string& expected,
                  const std::string& actual);

}  // namespace recurra::safetensors
