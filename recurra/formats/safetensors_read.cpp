/// Reads safetensors files: everything is checked against the header before memory is taken.
#include <algorithm>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "recurra/base/error.h"
#include "recurra/base/file.h"
#include "recurra/formats/safetensors.h"
#include "recurra/formats/safetensors_checksums.h"
#include "recurra/formats/safetensors_header.h"

namespace recurra::safetensors {

namespace {

namespace fs = std::filesystem;
using Indices = std::vector<std::size_t>;

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

/// The records as their bytes follow one another.
Indices sorted_by_offsets(const std::vector<Record>& records) {
  Indices order(records.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(
      order, {}, [&](std::size_t i) -> const auto& { return *records[i].offsets; });
  return order;
}

/// The records' order in the file, after proof that they cover `size` bytes exactly.
Indices check_layout(const fs::path& path, const std::vector<Record>& records, std::uint64_t size) {
  Indices order = sorted_by_offsets(records);
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

/// The next tensor of the file.
Tensor read_tensor(InputFile& file, const Record& record) {
  Tensor tensor(Shape(*record.shape), parse_dtype(file.path(), record));
  const std::span bytes(static_cast<std::byte*>(tensor.raw()), tensor.bytes());
  const std::size_t got = file.read(bytes);
  if (got < bytes.size()) refuse(file.path(), "all bytes of " + shown(record.name), std::to_string(got));
  return tensor;
}

WeightTable read_table(const fs::path& path) {
  InputFile file(path);
  Header header = read_header(file);
  const std::optional<Checksums> checksums = take_checksums(path, header);
  const auto size = static_cast<std::uint64_t>(file.size()) - length_bytes - header.text.size();
  const std::vector<Record>& records = header.records;
  std::vector<Tensor> tensors(records.size());
  for (const std::size_t i : check_layout(path, records, size)) {
    const std::string& name = records[i].name;
    tensors[i] = read_tensor(file, records[i]);
    if (checksums) require_same(path, name, checksums->at(name), checksum_of(tensor_bytes(tensors[i])));
  }
  WeightTable table;
  for (std::size_t i = 0; i < records.size(); ++i) table.add(records[i].name, std::move(tensors[i]));
  for (const auto& [key, value] : header.metadata) table.set_metadata(key, value);
  return table;
}

}  // namespace

}  // namespace recurra::safetensors

namespace recurra {

WeightTable read_safetensors(const std::filesystem::path& path) {
  return safetensors::read_table(path);
}

}  // namespace recurra
