#include "recurra/data/npy_header.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "recurra/base/error.h"
#include "recurra/base/shown.h"

namespace recurra {

namespace {

constexpr std::string_view magic = "\x93NUMPY";
constexpr i64 largest_header = 65'535;  // what version 1.0 can say; eight axes need 300
constexpr std::size_t largest_rank = 8;

[[noreturn]] void refuse(const std::string& subject, const std::string& expected, const std::string& actual) {
  throw Error(ErrorCode::format, subject, expected, actual);
}

/// The dictionary as it is written: `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
class DictionaryReader {
 public:
  DictionaryReader(std::string_view text, const std::string& subject) : text_(text), subject_(subject) {}

  void read() {
    require('{');
    while (!take('}')) {
      read_item();
      if (!take(',')) {
        require('}');
        break;
      }
    }
    skip_space();
    if (at_ != text_.size()) refuse_here("nothing behind the dictionary");
    if (!descr || !fortran_order || !shape) refuse_here("the keys descr, fortran_order and shape");
  }

  std::optional<std::string> descr;
  std::optional<bool> fortran_order;
  std::optional<std::vector<i64>> shape;

 private:
  void read_item() {
    const std::string key = read_string();
    require(':');
    if (key == "descr") {
      set(descr, read_descr());
    } else if (key == "fortran_order") {
      set(fortran_order, read_boolean());
    } else if (key == "shape") {
      set(shape, read_tuple());
    } else {
      refuse(subject_, "only the keys descr, fortran_order and shape in an npy header", shown(key));
    }
  }

  template <class T>
  void set(std::optional<T>& member, T value) {
    if (member) refuse_here("each key once");
    member = std::move(value);
  }

  /// A list is a structured type, which the caller refuses by its name.
  std::string read_descr() {
    skip_space();
    if (at_ < text_.size() && text_[at_] == '[') {
      const std::size_t size = std::min(text_.find(']', at_), text_.size() - 1) + 1 - at_;
      throw Error(ErrorCode::unsupported,
                  subject_ + ": npy element type",
                  npy_element_names,
                  shortened(text_.substr(at_, size)));
    }
    return read_string();
  }

  std::string read_string() {
    skip_space();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '\'' && quote != '"') refuse_here("a string");
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) refuse_here("a string with an end");
    std::string value(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return value;
  }

  bool read_boolean() {
    skip_space();
    for (const auto& [name, value] : {std::pair{std::string_view("True"), true}, {"False", false}}) {
      if (text_.substr(at_, name.size()) != name) continue;
      at_ += name.size();
      return value;
    }
    refuse_here("True or False");
  }

  /// `()`, `(3,)`, `(3, 4)`, `(3, 4,)`; in Python `(3)` is a number.
  std::vector<i64> read_tuple() {
    std::vector<i64> extents;
    require('(');
    while (!take(')')) {
      extents.push_back(read_extent());
      if (take(',')) continue;
      if (extents.size() == 1) refuse_here("a comma in a tuple of one");
      require(')');
      break;
    }
    return extents;
  }

  i64 read_extent() {
    skip_space();
    i64 value = -1;
    const auto [end, fault] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (fault != std::errc() || value < 0) refuse_here("an extent from 0 up that fits into 63 bits");
    at_ = static_cast<std::size_t>(end - text_.data());
    return value;
  }

  void skip_space() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }

  bool take(char letter) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != letter) return false;
    ++at_;
    return true;
  }

  void require(char letter) {
    if (!take(letter)) refuse_here(std::string(1, letter));
  }

  [[noreturn]] void refuse_here(const std::string& expected) const {
    refuse(subject_,
           expected + " at byte " + std::to_string(at_) + " of the npy header's dictionary",
           shown(text_.substr(at_)));
  }

  std::string_view text_;
  const std::string& subject_;
  std::size_t at_ = 0;
};

void read_whole(const ReadBytes& read, std::span<std::byte> bytes, const std::string& subject) {
  const std::size_t got = read(bytes);
  if (got == bytes.size()) return;
  refuse(subject,
         std::string("the next ").append(std::to_string(bytes.size())).append(" bytes of an npy header"),
         std::to_string(got) + " (truncated)");
}

/// Returns the number of the bytes that say the dictionary's length.
std::size_t read_magic(const ReadBytes& read, const std::string& subject) {
  std::array<std::byte, 8> start{};
  read_whole(read, start, subject);
  const std::string_view text(reinterpret_cast<const char*>(start.data()), magic.size());
  if (text != magic) refuse(subject, "an npy file, which begins \\x93NUMPY", shown(text));
  const int major = std::to_integer<int>(start[6]);
  const int minor = std::to_integer<int>(start[7]);
  if (major < 1 || major > 3 || minor != 0) {
    throw Error(ErrorCode::unsupported,
                subject + ": npy version",
                "1.0, 2.0, 3.0",
                std::to_string(major) + "." + std::to_string(minor));
  }
  return major == 1 ? 2 : 4;
}

/// The text of the dictionary, its length believed only within the limits.
std::string read_dictionary(const ReadBytes& read, i64 size, const std::string& subject) {
  std::array<std::byte, 4> digits{};  // little-endian
  const std::size_t width = read_magic(read, subject);
  read_whole(read, std::span(digits).first(width), subject);
  i64 length = 0;
  for (std::size_t i = width; i > 0; --i) length = length * 256 + std::to_integer<i64>(digits[i - 1]);
  if (length > largest_header) {
    refuse(subject, "an npy header of at most 65535 bytes", std::to_string(length));
  }
  const i64 rest = size - static_cast<i64>(magic.size() + 2 + width);
  if (length > rest) {
    refuse(subject,
           std::string("the next ").append(std::to_string(length)).append(" bytes of an npy header"),
           std::to_string(rest) + " (truncated)");
  }
  std::string text(static_cast<std::size_t>(length), '\0');
  read_whole(read, std::as_writable_bytes(std::span(text.data(), text.size())), subject);
  return text;
}

/// `<f4`: byte order and name. `|` says that there is no order, which only single bytes have not.
void set_element(NpyHeader& header, const std::string& descr, const std::string& subject) {
  const char order = descr.empty() ? '\0' : descr[0];
  header.element = find_npy_element(std::string_view(descr).substr(std::min(descr.size(), std::size_t{1})));
  const bool single = header.element != nullptr && header.element->size == 1;
  const bool known = header.element != nullptr && (order == '<' || order == '>' || (order == '|' && single));
  if (!known) {
    throw Error(ErrorCode::unsupported, subject + ": npy element type", npy_element_names, shortened(descr));
  }
  header.swapped = order == '>';
}

void set_sizes(NpyHeader& header, std::size_t length, i64 size, const std::string& subject) {
  if (header.shape.extents().size() > largest_rank) {
    refuse(subject, "rank 0 to 8", std::to_string(header.shape.rank()));
  }
  i64 bytes = static_cast<i64>(header.element->size);
  for (const i64 extent : header.shape.extents()) {
    if (__builtin_mul_overflow(bytes, extent, &bytes)) {
      refuse(subject, "extents whose product fits into 63 bits", header.shape.to_string());
    }
  }
  header.header_bytes = static_cast<i64>(length);
  header.data_bytes = bytes;
  const i64 rest = size - header.header_bytes;
  if (rest == bytes) return;
  refuse(subject,
         std::to_string(bytes)
             .append(" bytes of data for ")
             .append(header.element->name)
             .append(" of shape ")
             .append(header.shape.to_string()),
         std::to_string(rest) + (rest < bytes ? " (truncated)" : " (trailing bytes)"));
}

}  // namespace

NpyHeader read_npy_header(const ReadBytes& read, i64 size, const std::string& subject) {
  std::size_t consumed = 0;
  const ReadBytes counted = [&](std::span<std::byte> bytes) {
    const std::size_t got = read(bytes);
    consumed += got;
    return got;
  };
  const std::string text = read_dictionary(counted, size, subject);
  DictionaryReader dictionary(text, subject);
  dictionary.read();
  NpyHeader header;
  header.fortran_order = *dictionary.fortran_order;
  header.shape = Shape(std::move(*dictionary.shape));
  set_element(header, *dictionary.descr, subject);
  set_sizes(header, consumed, size, subject);
  return header;
}

std::string make_npy_header(const Shape& shape, Dtype dtype) {
  if (shape.extents().size() > largest_rank) {
    throw Error(ErrorCode::invalid_argument, "npy", "rank 0 to 8", std::to_string(shape.rank()));
  }
  std::string text = "{'descr': '";
  text.append(npy_name_of(dtype)).append("', 'fortran_order': False, 'shape': ").append(shape.to_string());
  text.append(", }");
  constexpr std::size_t before = 10;  // magic, version, length
  text.append(63 - (before + text.size()) % 64, ' ').append("\n");
  std::string header(magic);
  header.append({'\1', '\0', static_cast<char>(text.size() % 256), static_cast<char>(text.size() / 256)});
  return header.append(text);
}

}  // namespace recurra
