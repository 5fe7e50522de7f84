/// Writes npz archives: stored members only, so that the arrays' own memory goes to the file, and all sizes
/// in the 64-bit form, so that a small archive and one above 4 GiB take the same way (PKWARE's APPNOTE, 4.3).
#include <cstdint>
#include <unordered_set>

#include <zlib.h>

#include "recurra/base/error.h"
#include "recurra/base/file.h"
#include "recurra/data/npy_header.h"
#include "recurra/data/npz.h"
#include "recurra/data/utf8.h"

namespace recurra {

namespace {

constexpr std::size_t most_members = 100'000;
constexpr std::size_t longest_name = 65'000;  // the format counts in 16 bits

constexpr std::uint64_t version = 45;            // 4.5: the first with sizes of 64 bits
constexpr std::uint64_t name_is_utf8 = 1 << 11;  // general purpose bit 11
constexpr std::uint64_t stored = 0;
constexpr std::uint64_t first_of_1980 = 1 << 5 | 1;  // the earliest date there is: no clock in the bytes
constexpr std::uint64_t elsewhere = 0xFFFFFFFF;      // the number stands in the 64-bit field
constexpr std::uint64_t elsewhere_16 = 0xFFFF;
constexpr std::uint64_t wide_sizes_tag = 1;

/// Appends numbers, little-endian.
class Writer {
 public:
  Writer& number(std::uint64_t value, int width) {
    for (int i = 0; i < width; ++i) bytes_.push_back(static_cast<char>(value >> 8 * i & 0xFF));
    return *this;
  }

  Writer& text(const std::string& value) {
    bytes_.append(value);
    return *this;
  }

  [[nodiscard]] std::string& bytes() noexcept { return bytes_; }

 private:
  std::string bytes_;
};

/// A member as both its headers describe it.
struct Member {
  std::string name;
  std::string npy_header;
  std::span<const std::byte> data;
  std::uint64_t offset = 0;

  [[nodiscard]] std::uint64_t size() const noexcept { return npy_header.size() + data.size(); }

  [[nodiscard]] std::uint64_t checksum() const noexcept {
    const auto* header = reinterpret_cast<const Bytef*>(npy_header.data());
    const uLong start = crc32_z(0, header, npy_header.size());
    return crc32_z(start, reinterpret_cast<const Bytef*>(data.data()), data.size());
  }
};

/// What stands in both headers, from the version a reader needs to the length of the name.
void write_common(Writer& out, const Member& member, std::uint64_t checksum) {
  const bool utf8 = first_not_utf8(member.name) == member.name.size();
  out.number(version, 2).number(utf8 ? name_is_utf8 : 0, 2).number(stored, 2);
  out.number(0, 2).number(first_of_1980, 2).number(checksum, 4);
  out.number(elsewhere, 4).number(elsewhere, 4).number(member.name.size(), 2);
}

std::string local_header(const Member& member, std::uint64_t checksum) {
  Writer out;
  out.text("PK\3\4");
  write_common(out, member, checksum);
  out.number(4 + 16, 2).text(member.name);
  out.number(wide_sizes_tag, 2).number(16, 2).number(member.size(), 8).number(member.size(), 8);
  return std::move(out.bytes());
}

void write_entry(Writer& out, const Member& member, std::uint64_t checksum) {
  constexpr std::uint64_t regular_file = std::uint64_t{0100644} << 16;  // its mode in Unix
  constexpr std::uint64_t made_by_unix = 3 << 8;
  out.text("PK\1\2").number(made_by_unix | version, 2);
  write_common(out, member, checksum);
  out.number(4 + 24, 2).number(0, 2).number(0, 2).number(0, 2).number(regular_file, 4).number(elsewhere, 4);
  out.text(member.name).number(wide_sizes_tag, 2).number(24, 2);
  out.number(member.size(), 8).number(member.size(), 8).number(member.offset, 8);
}

/// What ends an archive whose `entries` begin at `offset`.
void write_end(Writer& out, std::uint64_t count, std::uint64_t offset) {
  const std::uint64_t size = out.bytes().size();
  out.text("PK\6\6").number(44, 8).number(version, 2).number(version, 2).number(0, 4).number(0, 4);
  out.number(count, 8).number(count, 8).number(size, 8).number(offset, 8);
  out.text("PK\6\7").number(0, 4).number(offset + size, 8).number(1, 4);
  out.text("PK\5\6").number(0, 4).number(elsewhere_16, 2).number(elsewhere_16, 2);
  out.number(elsewhere, 4).number(elsewhere, 4).number(0, 2);
}

void require_names(std::span<const NamedTensor> arrays) {
  if (arrays.size() > most_members) {
    throw Error(ErrorCode::invalid_argument, "npz", "at most 100000 arrays", std::to_string(arrays.size()));
  }
  std::unordered_set<std::string_view> names;
  for (const NamedTensor& array : arrays) {
    const std::size_t size = array.name.size();
    if (size == 0 || size > longest_name || array.name.find('\0') != std::string::npos) {
      throw Error(ErrorCode::invalid_argument,
                  "npz",
                  "names of 1 to 65000 bytes, none of them NUL",
                  size == 0 ? "an empty one" : "one of " + std::to_string(size));
    }
    if (!names.insert(array.name).second) {
      throw Error(
          ErrorCode::invalid_argument, "npz", "a name for each array", "\"" + array.name + "\" twice");
    }
  }
}

}  // namespace

void write_npz(const std::filesystem::path& path, std::span<const NamedTensor> arrays) {
  require_names(arrays);
  std::vector<Member> members;
  std::vector<std::string> headers;
  Writer directory;
  std::uint64_t offset = 0;
  for (const NamedTensor& array : arrays) {
    const Tensor& tensor = array.tensor;
    members.push_back({array.name + ".npy",
                       make_npy_header(tensor.shape(), tensor.dtype()),
                       {static_cast<const std::byte*>(tensor.raw()), tensor.bytes()},
                       offset});
    const std::uint64_t checksum = members.back().checksum();
    headers.push_back(local_header(members.back(), checksum));
    write_entry(directory, members.back(), checksum);
    offset += headers.back().size() + members.back().size();
  }
  write_end(directory, members.size(), offset);
  std::vector<std::span<const std::byte>> parts;
  for (std::size_t i = 0; i < members.size(); ++i) {
    parts.insert(parts.end(), {bytes_of(headers[i]), bytes_of(members[i].npy_header), members[i].data});
  }
  parts.push_back(bytes_of(directory.bytes()));
  write_file_atomically(path, parts);
}

}  // namespace recurra
