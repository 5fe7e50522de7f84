#include "recurra/formats/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/base/file.h"

namespace recurra {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using Indices = std::vector<std::size_t>;

static_assert(std::endian::native == std::endian::little, "the format is little-endian and read in place");

constexpr std::size_t length_bytes = 8;
constexpr std::size_t largest_header = 100'000'000;  // the reference implementation's limit
constexpr const char* header_limit = "a header of at most 100,000,000 bytes";
constexpr std::size_t most_tensors = 100'000;
constexpr std::size_t largest_rank = 8;
constexpr const char* metadata_key = "__metadata__";
constexpr ErrorCode refusal = ErrorCode::invalid_argument;  // of a table the format has no room for
constexpr std::pair<const char*, Dtype> dtypes[] = {
    {"F32", Dtype::f32}, {"U8", Dtype::u8}, {"I32", Dtype::i32}, {"I64", Dtype::i64}};

/// A text from a file, fit for a message: short, whole in UTF-8, without control characters.
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

/// A tensor as the header describes it.
struct Record {
  std::string name;
  std::optional<std::string> dtype;
  std::optional<std::vector<i64>> shape;
  std::optional<std::vector<std::uint64_t>> offsets;  // begin and end
};

/// Takes the header as it is parsed, without a document in memory, and refuses what is not in the schema at
/// the first letter of it: nothing can be nested deeper than the three levels the format has.
class HeaderReader : public nlohmann::json_sax<Json> {
 public:
  explicit HeaderReader(const fs::path& path) : path_(path) {}

  [[nodiscard]] const std::vector<Record>& records() const { return records_; }

  [[nodiscard]] const std::map<std::string, std::string>& metadata() const { return metadata_; }

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
  std::vector<Record> records_;
  std::unordered_set<std::string> names_;
  std::map<std::string, std::string> metadata_;
};

/// The text between the length and the tensors, at most `largest_header` bytes.
std::string read_header(InputFile& file) {
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

void parse_header(const std::string& header, const fs::path& path, HeaderReader& reader) {
  // The parser would skip a byte order mark before the brace and take a zero byte for the end of the text.
  if (!header.starts_with('{')) refuse(path, "a header that begins with {", header.empty() ? "none" : "text");
  if (header.find('\0') != std::string::npos) refuse(path, "a header in JSON", "a zero byte in it");
  Json::sax_parse(header, &reader);
}

Dtype parse_dtype(const fs::path& path, const Record& record) {
  std::string supported;
  for (const auto& [name, dtype] : dtypes) {
    if (*record.dtype == name) return dtype;
    supported += supported.empty() ? name : std::string(", ") + name;
  }
  const std::string subject = path.string() + ": dtype of " + shown(record.name);
  throw Error(ErrorCode::unsupported, subject, supported, clean(*record.dtype));
}

/// Bytes of a tensor of the record's shape and element type.
std::uint64_t data_bytes(const fs::path& path, const Record& record) {
  auto bytes = static_cast<i64>(size_of(parse_dtype(path, record)));
  for (const i64 extent : *record.shape) {
    if (!__builtin_mul_overflow(bytes, extent, &bytes)) continue;
    refuse(path, "a size of " + shown(record.name) + " in 63 bits", Shape(*record.shape).to_string());
  }
  return static_cast<std::uint64_t>(bytes);
}

template <class Less>
Indices sorted_indices(std::size_t count, Less less) {
  Indices indices(count);
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  std::ranges::stable_sort(indices, less);
  return indices;
}

/// The records' order in the file, after proof that they cover `size` bytes exactly.
Indices check_layout(const fs::path& path, const std::vector<Record>& records, std::uint64_t size) {
  Indices order = sorted_indices(records.size(), [&](std::size_t i, std::size_t j) {
    return *records[i].offsets < *records[j].offsets;
  });
  std::uint64_t position = 0;
  for (const std::size_t i : order) {
    const Record& record = records[i];
    const std::uint64_t begin = record.offsets->front();
    const std::uint64_t end = record.offsets->back();
    const std::uint64_t bytes = data_bytes(path, record);
    const std::string offsets = "data_offsets " + std::to_string(begin) + " to " + std::to_string(end);
    if (begin > end || end - begin != bytes) {
      const std::string type = *record.dtype + " " + Shape(*record.shape).to_string();
      refuse(path, std::to_string(bytes) + " bytes of " + shown(record.name) + " for " + type, offsets);
    }
    if (begin != position) {
      const std::string expected = shown(record.name) + " to begin at byte " + std::to_string(position);
      refuse(path, expected, offsets + (begin < position ? " (overlap)" : " (gap)"));
    }
    position = end;
  }
  if (position == size) return order;
  refuse(path,
         std::to_string(position) + " bytes of tensors",
         std::to_string(size) + (size < position ? " (truncated)" : " (trailing bytes)"));
}

/// The value as a JSON string.
std::string text_of(const std::string& value) {
  try {
    return Json(value).dump();
  } catch (const Json::exception&) {
    throw Error(refusal, shown(value), "a text in UTF-8", "other bytes");
  }
}

/// What the reader would refuse is not written.
void require_readable(const WeightTable& table) {
  const std::size_t count = table.entries().size();
  require(count <= most_tensors, refusal, "safetensors", "at most 100,000 tensors", std::to_string(count));
  for (const auto& [name, tensor] : table.entries()) {
    const auto rank = static_cast<std::size_t>(tensor.shape().rank());
    require(rank <= largest_rank, refusal, name.c_str(), "at most 8 axes", std::to_string(rank));
    require(
        name != metadata_key, refusal, name.c_str(), "another name for a tensor", "the format's own word");
  }
}

/// Wide elements first, each kind in the table's order: then every tensor is aligned to its element size.
Indices file_order(const std::vector<WeightTable::Entry>& entries) {
  return sorted_indices(entries.size(), [&](std::size_t i, std::size_t j) {
    return size_of(entries[i].tensor.dtype()) > size_of(entries[j].tensor.dtype());
  });
}

std::string describe(const WeightTable::Entry& entry, std::size_t begin) {
  const Tensor& tensor = entry.tensor;
  const auto* dtype = std::ranges::find(dtypes, tensor.dtype(), &std::pair<const char*, Dtype>::second);
  return text_of(entry.name) + R"(:{"dtype":")" + dtype->first + R"(","shape":)" +
         Json(tensor.shape().extents()).dump() + R"(,"data_offsets":[)" + std::to_string(begin) + "," +
         std::to_string(begin + tensor.bytes()) + "]}";
}

std::string make_header(const WeightTable& table, const Indices& order) {
  Indices begins(order.size());
  std::size_t position = 0;
  for (const std::size_t i : order) {
    begins[i] = position;
    position += table.entries()[i].tensor.bytes();
  }

  std::string metadata;
  for (const auto& [key, value] : table.metadata()) {
    metadata.append(metadata.empty() ? "" : ",").append(text_of(key)).append(":").append(text_of(value));
  }
  std::string header;
  if (!metadata.empty()) header.append("\"").append(metadata_key).append("\":{").append(metadata).append("}");
  for (std::size_t i = 0; i < order.size(); ++i) {
    header.append(header.empty() ? "" : ",").append(describe(table.entries()[i], begins[i]));
  }
  header.insert(0, "{").append("}");
  header.resize((header.size() + length_bytes - 1) / length_bytes * length_bytes, ' ');
  return header;
}

}  // namespace

WeightTable read_safetensors(const fs::path& path) {
  InputFile file(path);
  const std::string header = read_header(file);
  HeaderReader reader(path);
  parse_header(header, path, reader);
  const std::vector<Record>& records = reader.records();
  const auto size = static_cast<std::uint64_t>(file.size()) - length_bytes - header.size();
  const Indices order = check_layout(path, records, size);

  std::vector<Tensor> tensors(records.size());
  for (const std::size_t i : order) {
    tensors[i] = Tensor(Shape(*records[i].shape), parse_dtype(path, records[i]));
    const std::span bytes(static_cast<std::byte*>(tensors[i].raw()), tensors[i].bytes());
    const std::size_t got = file.read(bytes);
    if (got < bytes.size()) refuse(path, "all bytes of " + shown(records[i].name), std::to_string(got));
  }
  WeightTable table;
  for (std::size_t i = 0; i < records.size(); ++i) table.add(records[i].name, std::move(tensors[i]));
  for (const auto& [key, value] : reader.metadata()) table.set_metadata(key, value);
  return table;
}

void write_safetensors(const fs::path& path, const WeightTable& table) {
  require_readable(table);
  const Indices order = file_order(table.entries());
  const std::string header = make_header(table, order);
  const std::uint64_t size = header.size();
  require(size <= largest_header, refusal, "safetensors", header_limit, std::to_string(size));
  const auto length = std::bit_cast<std::array<std::byte, length_bytes>>(size);
  std::vector<std::span<const std::byte>> parts{length, bytes_of(header)};
  for (const std::size_t i : order) {
    const Tensor& tensor = table.entries()[i].tensor;
    parts.emplace_back(static_cast<const std::byte*>(tensor.raw()), tensor.bytes());
  }
  write_file_atomically(path, parts);
}

}  // namespace recurra
