#include "recurra/data/idx.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <zlib.h>

#include "recurra/base/error.h"
#include "recurra/base/file.h"

namespace recurra {

namespace {

// Deflate's best: 258 bytes for two bits (a length and a distance of one bit each), 1032 : 1.
constexpr i64 largest_inflation = 1032;

constexpr int largest_rank = 8;

[[noreturn]] void refuse(const InputFile& file, const std::string& expected, const std::string& actual) {
  throw Error(ErrorCode::format, file.path().string(), expected, actual);
}

std::string hexadecimal(std::byte byte) {
  constexpr char digits[] = "0123456789abcdef";
  const auto value = std::to_integer<unsigned>(byte);
  return {'0', 'x', digits[value / 16], digits[value % 16]};
}

/// Gives the inflated bytes of a gzip file, checked against its checksum and length.
class Inflater {
 public:
  explicit Inflater(InputFile& file) : file_(file) {
    // 15: the largest window; 16: a gzip wrapper.
    if (inflateInit2(&stream_, 15 + 16) != Z_OK) throw std::bad_alloc();
  }

  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  Inflater(Inflater&&) = delete;
  Inflater& operator=(Inflater&&) = delete;

  ~Inflater() { inflateEnd(&stream_); }

  /// True inside a member, whose checksum is still to come.
  [[nodiscard]] bool is_unfinished() const noexcept { return unfinished_; }

  /// Fills `bytes` and returns how many it filled: fewer only at the end of the compressed data.
  std::size_t read(std::span<std::byte> bytes) {
    std::size_t filled = 0;
    while (filled < bytes.size() && has_input()) filled += inflate_into(bytes.subspan(filled));
    return filled;
  }

 private:
  bool has_input() {
    if (stream_.avail_in > 0) return true;
    stream_.avail_in = static_cast<uInt>(file_.read(input_));
    stream_.next_in = reinterpret_cast<Bytef*>(input_.data());
    return stream_.avail_in > 0;
  }

  std::size_t inflate_into(std::span<std::byte> bytes) {
    constexpr std::size_t largest_output = std::size_t{1} << 30;  // zlib counts in 32 bits
    const std::size_t room = std::min(bytes.size(), largest_output);
    stream_.next_out = reinterpret_cast<Bytef*>(bytes.data());
    stream_.avail_out = static_cast<uInt>(room);
    const int status = inflate(&stream_, Z_NO_FLUSH);
    if (status == Z_MEM_ERROR) throw std::bad_alloc();
    if (status != Z_OK && status != Z_STREAM_END) {
      refuse(file_, "intact gzip data", stream_.msg != nullptr ? stream_.msg : "a zlib error");
    }
    unfinished_ = status != Z_STREAM_END;
    // gzip allows several members one after the other; what follows a member must be another.
    if (!unfinished_) inflateReset(&stream_);
    return room - stream_.avail_out;
  }

  InputFile& file_;
  z_stream stream_{};
  bool unfinished_ = false;
  std::array<std::byte, 65536> input_{};
};

/// The content of an idx file, inflated where it is compressed.
class Content {
 public:
  explicit Content(const std::filesystem::path& path) : file_(path) {
    if (is_gzip(InputFile(path))) inflater_.emplace(file_);
  }

  [[nodiscard]] const InputFile& file() const noexcept { return file_; }

  [[nodiscard]] bool is_compressed() const noexcept { return inflater_.has_value(); }

  std::size_t read(std::span<std::byte> bytes) {
    return inflater_ ? inflater_->read(bytes) : file_.read(bytes);
  }

  /// After the last element: nothing may follow, and compressed data must have shown its checksum.
  void require_end(const std::string& promise) {
    std::byte extra{};
    if (read({&extra, 1}) != 0) refuse(file_, promise, "more (trailing bytes)");
    const bool cut = inflater_ && inflater_->is_unfinished();
    if (cut) refuse(file_, "a gzip checksum at the end", "none (truncated)");
  }

 private:
  static bool is_gzip(InputFile probe) {
    std::array<std::byte, 2> magic{};
    return probe.read(magic) == 2 && magic[0] == std::byte{0x1f} && magic[1] == std::byte{0x8b};
  }

  InputFile file_;
  std::optional<Inflater> inflater_;
};

void read_header_bytes(Content& content, std::span<std::byte> bytes) {
  const std::size_t got = content.read(bytes);
  if (got == bytes.size()) return;
  refuse(content.file(),
         "the next " + std::to_string(bytes.size()) + " bytes of an idx header",
         std::to_string(got) + " (truncated)");
}

/// Returns the rank.
int read_magic(Content& content) {
  std::array<std::byte, 4> magic{};
  read_header_bytes(content, magic);
  if (magic[0] != std::byte{0} || magic[1] != std::byte{0}) {
    refuse(content.file(),
           "an idx file, which begins 0x00 0x00",
           hexadecimal(magic[0]) + " " + hexadecimal(magic[1]));
  }
  if (magic[2] != std::byte{0x08}) {
    const std::string subject = content.file().path().string() + ": idx element type";
    throw Error(ErrorCode::unsupported, subject, "0x08 (u8)", hexadecimal(magic[2]));
  }
  const int rank = std::to_integer<int>(magic[3]);
  if (rank < 1 || rank > largest_rank) {
    refuse(content.file(), "rank 1 to " + std::to_string(largest_rank), std::to_string(rank));
  }
  return rank;
}

Shape read_shape(Content& content) {
  std::vector<i64> extents(static_cast<std::size_t>(read_magic(content)));
  for (i64& extent : extents) {
    std::array<std::byte, 4> digits{};  // big-endian
    read_header_bytes(content, digits);
    for (const std::byte digit : digits) extent = extent * 256 + std::to_integer<i64>(digit);
  }
  return Shape(std::move(extents));
}

i64 elements_of(const Content& content, const Shape& shape) {
  i64 count = 1;
  for (const i64 extent : shape.extents()) {
    if (__builtin_mul_overflow(count, extent, &count)) {
      refuse(content.file(), "extents whose product fits into 63 bits", shape.to_string());
    }
  }
  return count;
}

std::string promise_of(const Shape& shape, i64 elements) {
  return std::to_string(elements) + " bytes of data for shape " + shape.to_string();
}

/// The header is not believed before this: no memory was taken on its word yet.
void require_possible(const Content& content, const Shape& shape, i64 elements) {
  const i64 size = content.file().size();
  const i64 header = 4 + 4 * shape.rank();
  if (content.is_compressed()) {
    if (elements / largest_inflation <= size) return;
    refuse(content.file(),
           promise_of(shape, elements),
           std::to_string(size) + " bytes of gzip data, which hold at most " +
               std::to_string(largest_inflation) + " times as many");
  }
  const i64 data = size - header;
  if (data == elements) return;
  refuse(content.file(),
         promise_of(shape, elements),
         std::to_string(data) + (data < elements ? " (truncated)" : " (trailing bytes)"));
}

}  // namespace

Tensor read_idx(const std::filesystem::path& path) {
  Content content(path);
  const Shape shape = read_shape(content);
  const i64 elements = elements_of(content, shape);
  require_possible(content, shape, elements);

  Tensor tensor(shape, Dtype::u8);
  const std::size_t got = content.read(std::as_writable_bytes(tensor.as<std::uint8_t>()));
  if (got < tensor.bytes()) {
    refuse(content.file(), promise_of(shape, elements), std::to_string(got) + " (truncated)");
  }
  content.require_end(promise_of(shape, elements));
  return tensor;
}

}  // namespace recurra
