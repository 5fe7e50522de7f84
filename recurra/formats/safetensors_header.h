/// The header of a safetensors file, as reader and writer both know it.
///
/// Private to the library.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "recurra/base/dtype.h"
#include "recurra/base/file.h"
#include "recurra/base/tensor.h"

namespace recurra::safetensors {

static_assert(std::endian::native == std::endian::little, "the format is little-endian and read in place");

inline constexpr std::size_t length_bytes = 8;
inline constexpr std::size_t largest_header = 100'000'000;  // the reference implementation's limit
inline constexpr const char* header_limit = "a header of at most 100,000,000 bytes";
inline constexpr std::size_t most_tensors = 100'000;
inline constexpr std::size_t largest_rank = 8;
inline constexpr const char* metadata_key = "__metadata__";
inline constexpr std::pair<const char*, Dtype> dtypes[] = {
    {"F32", Dtype::f32}, {"U8", Dtype::u8}, {"I32", Dtype::i32}, {"I64", Dtype::i64}};

/// A tensor as the header describes it; complete once the header is read.
struct Record {
  std::string name;
  std::optional<std::string> dtype;
  std::optional<std::vector<i64>> shape;
  std::optional<std::vector<std::uint64_t>> offsets;  // begin and end
};

struct Header {
  std::string text;  // between the length and the tensors
  std::vector<Record> records;
  std::map<std::string, std::string> metadata;
};

/// Takes the header off the beginning of a file. Its schema is checked, its numbers are not compared.
/// Throws Error (format, io) naming the path.
[[nodiscard]] Header read_header(InputFile& file);

/// The 8 bytes that stand before the header.
[[nodiscard]] inline std::array<std::byte, length_bytes> length_prefix(const std::string& header) noexcept {
  return std::bit_cast<std::array<std::byte, length_bytes>>(std::uint64_t{header.size()});
}

[[nodiscard]] inline std::span<const std::byte> tensor_bytes(const Tensor& tensor) noexcept {
  return {static_cast<const std::byte*>(tensor.raw()), tensor.bytes()};
}

/// A text from a file, fit for a message: short, whole in UTF-8, without control characters; `shown` is the
/// same in quotes.
[[nodiscard]] std::string clean(const std::string& value);
[[nodiscard]] std::string shown(const std::string& name);

/// Throws Error (format) naming the path.
[[noreturn]] void refuse(const std::filesystem::path& path,
                         const std::string& expected,
                         const std::string& actual);

}  // namespace recurra::safetensors
