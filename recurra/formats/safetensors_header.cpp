#include "recurra/formats/safetensors_header.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <span>
#include <type_traits>
#include <unordered_set>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"

namespace recurra::safetensors {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// Takes the header as it is parsed, without a document in memory, and refuses what is not in the schema at
/// the first letter of it: nothing can be nested deeper than the three levels the format has.
class HeaderParser : public nlohmann::json_sax<Json> {
 public:
  /// Fills `header`, which outlives this.
  HeaderParser(const fs::path& path, Header& header)
      : path_(path), records_(header.records), metadata_(header.metadata) {}

  // Values the schema has nowhere.
  bool null() override { refuse_value("null"); }

  bool boolean(bool) override { refuse_value("true or false"); }

  bool number_integer(number_integer_t value) override { refuse_value(std::to_string(value)); }

  bool number_float(number_float_t, const string_t& text) override { refuse_value(clean(text)); }

  bool binary(binary_t&) override { refuse_value("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ != Place::numbers) refuse_value(std::to_string(value));
    field_ == "shape" ? add_extent(value) : add_offset(value);
    return true;
  }

  bool string(string_t& value) override {
    if (place_ == Place::metadata) {
      metadata_[field_] = value;
    } else if (place_ == Place::tensor && field_ == "dtype") {
      set(records_.back().dtype, value);
    } else {
      refuse_value("a string");
    }
    return true;
  }

  bool start_object(std::size_t) override {
    if (place_ == Place::start) {
      place_ = Place::root;
    } else if (place_ == Place::root) {
      place_ = field_ == metadata_key ? Place::metadata : Place::tensor;
    } else {
      refuse_value("an object");
    }
    return true;
  }

  bool end_object() override {
    if (place_ == Place::tensor) require_complete(records_.back());
    place_ = place_ == Place::root ? Place::end : Place::root;
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ != Place::tensor || field_ == "dtype") refuse_value("an array");
    place_ = Place::numbers;
    field_ == "shape" ? set(records_.back().shape, {}) : set(records_.back().offsets, {});
    return true;
  }

  bool end_array() override {
    place_ = Place::tensor;
    return true;
  }

  bool key(string_t& name) override {
    field_ = name;
    if (place_ == Place::root) {
      add_name(name);
    } else if (place_ == Place::tensor) {
      require_known_field();
    } else if (metadata_.contains(name)) {
      refuse(path_, "metadata " + shown(name) + " once", "a second");
    }
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const Json::exception&) override {
    refuse(path_, "a header in JSON", "a syntax error at its byte " + std::to_string(position));
  }

 private:
  enum class Place { start, root, tensor, metadata, numbers, end };

  [[noreturn]] void refuse_value(const std::string& actual) const {
    switch (place_) {
      case Place::metadata:
        refuse(path_, "metadata " + shown(field_) + " as a string", actual);
      case Place::tensor:
        refuse(path_, field_ + " of " + current() + (field_ == "dtype" ? " as text" : " as a list"), actual);
      case Place::numbers:
        refuse(path_, field_ + " of " + current() + " in whole numbers from 0", actual);
      case Place::root:
        refuse(path_, "an object for " + shown(field_), actual);
      default:
        refuse(path_, "an object as header", actual);
    }
  }

  [[nodiscard]] std::string current() const { return shown(records_.back().name); }

  void add_name(const std::string& name) {
    if (!names_.insert(name).second) refuse(path_, "one entry " + shown(name), "a second");
    if (name == metadata_key) return;
    if (records_.size() == most_tensors) refuse(path_, "at most 100,000 tensors", "more");
    records_.push_back({name, {}, {}, {}});
  }

  void require_known_field() const {
    if (field_ == "dtype" || field_ == "shape" || field_ == "data_offsets") return;
    refuse(path_, "dtype, shape and data_offsets of " + current(), "also " + shown(field_));
  }

  template <class T>
  void set(std::optional<T>& field, const std::type_identity_t<T>& value) const {
    if (field) refuse(path_, field_ + " of " + current() + " once", "a second");
    field = value;
  }

  void add_extent(std::uint64_t extent) {
    std::vector<i64>& shape = *records_.back().shape;
    if (extent > static_cast<std::uint64_t>(std::numeric_limits<i64>::max())) {
      refuse(path_, "extents of " + current() + " in 63 bits", std::to_string(extent));
    }
    if (shape.size() == largest_rank) refuse(path_, "at most 8 axes of " + current(), "more");
    shape.push_back(static_cast<i64>(extent));
  }

  void add_offset(std::uint64_t offset) {
    std::vector<std::uint64_t>& offsets = *records_.back().offsets;
    if (offsets.size() == 2) refuse(path_, "two data_offsets of " + current(), "more");
    offsets.push_back(offset);
  }

  void require_complete(const Record& record) const {
    std::string missing;
    if (!record.dtype) missing = "dtype";
    if (!record.shape) missing = "shape";
    if (!record.offsets) missing = "data_offsets";
    if (!missing.empty()) refuse(path_, "dtype, shape and data_offsets of " + current(), "no " + missing);
    if (record.offsets->size() < 2) refuse(path_, "two data_offsets of " + current(), "fewer");
  }

  const fs::path& path_;
  Place place_ = Place::start;
  std::string field_;
  std::vector<Record>& records_;
  std::unordered_set<std::string> names_;
  std::map<std::string, std::string>& metadata_;
};

/// The text between the length and the tensors, at most `largest_header` bytes.
std::string read_text(InputFile& file) {
  std::array<std::byte, length_bytes> digits{};
  const std::size_t got = file.read(digits);
  if (got < length_bytes) refuse(file.path(), "8 bytes of header length", std::to_string(got));
  const auto length = std::bit_cast<std::uint64_t>(digits);
  const std::string promise = std::to_string(length);
  if (length > largest_header) refuse(file.path(), header_limit, promise);
  const std::uint64_t rest = static_cast<std::uint64_t>(file.size()) - length_bytes;
  std::string header(std::min(length, rest), '\0');
  header.resize(file.read(std::as_writable_bytes(std::span(header.data(), header.size()))));
  if (header.size() == length) return header;
  refuse(file.path(), "a header of " + promise + " bytes", std::to_string(header.size()) + " (truncated)");
}

}  // namespace

std::string clean(const std::string& value) {
  std::size_t end = std::min(value.size(), std::size_t{80});
  while (end < value.size() && end > 0 && (value[end] & 0xC0) == 0x80) --end;
  std::string text = value.substr(0, end) + (end < value.size() ? "…" : "");
  const auto is_control = [](unsigned char letter) {
    return letter < ' ' || letter == 0x7f;
  };
  std::ranges::replace_if(text, is_control, '?');
  return text;
}

std::string shown(const std::string& name) {
  return std::string("\"").append(clean(name)).append("\"");
}

[[noreturn]] void refuse(const fs::path& path, const std::string& expected, const std::string& actual) {
  throw Error(ErrorCode::format, path.string(), expected, actual);
}

Header read_header(InputFile& file) {
  Header header;
  header.text = read_text(file);
  const fs::path& path = file.path();
  // The parser would skip a byte order mark before the brace and take a zero byte for the end of the text.
  const char* other = header.text.empty() ? "none" : "text";
  if (!header.text.starts_with('{')) refuse(path, "a header that begins with {", other);
  if (header.text.find('\0') != std::string::npos) refuse(path, "a header in JSON", "a zero byte in it");
  HeaderParser parser(path, header);
  Json::sax_parse(header.text, &parser);
  return header;
}

}  // namespace recurra::safetensors
