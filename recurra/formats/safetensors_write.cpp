/// Writes safetensors files: the header with its checksums, then the tensors as they lie in memory.
#include <algorithm>
#include <functional>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/base/file.h"
#include "recurra/formats/safetensors.h"
#include "recurra/formats/safetensors_checksums.h"
#include "recurra/formats/safetensors_header.h"

namespace recurra::safetensors {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using Indices = std::vector<std::size_t>;

constexpr ErrorCode refusal = ErrorCode::invalid_argument;  // of a table the format has no room for

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
  for (const char* key : {checksums_key, header_checksum_key}) {
    const bool is_free = !table.metadata().contains(key);
    require(is_free, refusal, key, "another key for metadata", "the format's own word");
  }
  for (const auto& [name, tensor] : table.entries()) {
    const auto rank = static_cast<std::size_t>(tensor.shape().rank());
    require(rank <= largest_rank, refusal, name.c_str(), "at most 8 axes", std::to_string(rank));
    require(
        name != metadata_key, refusal, name.c_str(), "another name for a tensor", "the format's own word");
  }
}

/// Wide elements first, each kind in the table's order: then every tensor is aligned to its element size.
Indices file_order(const std::vector<WeightTable::Entry>& entries) {
  Indices order(entries.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(
      order, std::greater(), [&](std::size_t i) { return size_of(entries[i].tensor.dtype()); });
  return order;
}

std::string describe(const WeightTable::Entry& entry, std::size_t begin) {
  const Tensor& tensor = entry.tensor;
  const auto* dtype = std::ranges::find(dtypes, tensor.dtype(), &std::pair<const char*, Dtype>::second);
  return text_of(entry.name) + R"(:{"dtype":")" + dtype->first + R"(","shape":)" +
         Json(tensor.shape().extents()).dump() + R"(,"data_offsets":[)" + std::to_string(begin) + "," +
         std::to_string(begin + tensor.bytes()) + "]}";
}

/// `key:value` after what is there already.
void append_member(std::string& object, const std::string& key, const std::string& value) {
  object.append(object.empty() ? "" : ",").append(key).append(":").append(value);
}

/// The CRC-32C of every tensor, as a JSON object.
std::string checksums_of(const WeightTable& table) {
  std::string members;
  for (const auto& [name, tensor] : table.entries()) {
    append_member(members, text_of(name), text_of(checksum_of(tensor_bytes(tensor))));
  }
  return members.insert(0, "{").append("}");
}

/// The members of the metadata object, ours among the table's, in the order of keys.
std::string describe_metadata(const WeightTable& table) {
  auto metadata = table.metadata();
  metadata.emplace(checksums_key, checksums_of(table));
  metadata.emplace(header_checksum_key, no_checksum);
  std::string members;
  for (const auto& [key, value] : metadata) append_member(members, text_of(key), text_of(value));
  return members;
}

std::string make_header(const WeightTable& table, const Indices& order) {
  Indices begins(order.size());
  std::size_t position = 0;
  for (const std::size_t i : order) {
    begins[i] = position;
    position += table.entries()[i].tensor.bytes();
  }
  std::string header = "{\"";
  header.append(metadata_key).append("\":{").append(describe_metadata(table)).append("}");
  for (std::size_t i = 0; i < order.size(); ++i) {
    header.append(",").append(describe(table.entries()[i], begins[i]));
  }
  header.append("}");
  header.resize((header.size() + length_bytes - 1) / length_bytes * length_bytes, ' ');
  seal(header);
  return header;
}

void write_table(const fs::path& path, const WeightTable& table) {
  require_readable(table);
  const Indices order = file_order(table.entries());
  const std::string header = make_header(table, order);
  require(
      header.size() <= largest_header, refusal, "safetensors", header_limit, std::to_string(header.size()));
  const auto length = length_prefix(header);
  std::vector<std::span<const std::byte>> parts{length, bytes_of(header)};
  for (const std::size_t i : order) parts.push_back(tensor_bytes(table.entries()[i].tensor));
  write_file_atomically(path, parts);
}

}  // namespace

}  // namespace recurra::safetensors

namespace recurra {

void write_safetensors(const std::filesystem::path& path, const WeightTable& table) {
  safetensors::write_table(path, table);
}

}  // namespace recurra
