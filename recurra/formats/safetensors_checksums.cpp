#include "recurra/formats/safetensors_checksums.h"

#include <array>

#include <nlohmann/json.hpp>

#include "recurra/base/crc32c.h"
#include "recurra/base/error.h"

namespace recurra::safetensors {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::size_t digits = 8;

std::string text_of(std::uint32_t checksum) {
  std::string text(digits, '0');
  for (std::size_t i = 0; i < digits; ++i) text[digits - 1 - i] = "0123456789abcdef"[checksum >> 4 * i & 0xF];
  return text;
}

/// Where the digits of the header's own checksum stand; npos if nowhere. Inside of strings the quotes have
/// backslashes, so only the key itself can be met.
std::size_t find_digits(const std::string& header) {
  const std::string key = std::string("\"").append(header_checksum_key).append("\":\"");
  const std::size_t found = header.find(key);
  return found == std::string::npos ? found : found + key.size();
}

/// Of the header whose own digits stand at `place`, whatever they are.
std::string checksum_of_header(const std::string& header, std::size_t place) {
  const std::span<const std::byte> bytes = bytes_of(header);
  std::uint32_t checksum = crc32c(bytes.first(place), crc32c(length_prefix(header)));
  checksum = crc32c(std::as_bytes(std::span(no_checksum, digits)), checksum);
  return text_of(crc32c(bytes.subspan(place + digits), checksum));
}

/// Keeps one object of strings: what is nested deeper takes no memory, and its tensor lacks a checksum.
bool is_flat(int depth, Json::parse_event_t event, Json&) {
  return depth == 0 ? event != Json::parse_event_t::array_start
                    : event == Json::parse_event_t::key || event == Json::parse_event_t::value;
}

Checksums parse_checksums(const fs::path& path, const std::string& text) {
  const Json json = Json::parse(text, is_flat, false);
  if (!json.is_object()) refuse(path, "metadata \"crc32c\" as an object of checksums", clean(text));
  Checksums checksums;
  for (const auto& [name, value] : json.items()) {
    if (value.is_string()) checksums.emplace(name, value.get<std::string>());
  }
  return checksums;
}

/// The metadata of that key, which is gone afterwards.
std::optional<std::string> take(std::map<std::string, std::string>& metadata, const char* key) {
  auto node = metadata.extract(key);
  if (node.empty()) return {};
  return std::move(node.mapped());
}

}  // namespace

std::string checksum_of(std::span<const std::byte> bytes) {
  return text_of(crc32c(bytes));
}

void seal(std::string& header) {
  const std::size_t place = find_digits(header);
  header.replace(place, digits, checksum_of_header(header, place));
}

std::optional<Checksums> take_checksums(const fs::path& path, Header& header) {
  const std::optional<std::string> tensors = take(header.metadata, checksums_key);
  const std::optional<std::string> sealed = take(header.metadata, header_checksum_key);
  if (!tensors && !sealed) return {};
  if (!tensors) refuse(path, "metadata \"crc32c\" beside \"header_crc32c\"", "none");
  if (!sealed) refuse(path, "metadata \"header_crc32c\" beside \"crc32c\"", "none");
  const std::size_t place = find_digits(header.text);
  if (place == std::string::npos || header.text.compare(place, digits, *sealed) != 0) {
    refuse(path, "the header as its CRC-32C was taken", "one that another program wrote anew");
  }
  require_same(path, "header", *sealed, checksum_of_header(header.text, place));
  Checksums checksums = parse_checksums(path, *tensors);
  for (const Record& record : header.records) {
    if (!checksums.contains(record.name)) refuse(path, "a CRC-32C of " + shown(record.name), "none");
  }
  if (checksums.size() > header.records.size()) {
    refuse(path, "checksums of its tensors only", std::to_string(checksums.size()) + " checksums");
  }
  return checksums;
}

void require_same(const fs::path& path,
                  const std::string& subject,
                  const std::string& expected,
                  const std::string& actual) {
  if (expected == actual) return;
  throw Error(ErrorCode::format, path.string() + ": " + clean(subject), "CRC-32C " + clean(expected), actual);
}

}  // namespace recurra::safetensors
