#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/layers/json_text.h"
#include "recurra/training/model_file.h"

namespace recurra {

namespace {

using Json = nlohmann::json;

std::string metadata_of(const WeightTable& table, const char* key) {
  const auto found = table.metadata().find(key);
  return found == table.metadata().end() ? std::string() : found->second;
}

}  // namespace

std::string check_model_format(const WeightTable& table, const std::string& path) {
  const std::string format = metadata_of(table, "format");
  if (format != "recurra") {
    throw Error(ErrorCode::format,
                path,
                "a model of recurra (metadata \"format\": \"recurra\")",
                format.empty() ? "no such metadata" : "\"" + format + "\"");
  }
  std::string version = metadata_of(table, "format_version");
  if (version != "1" && version != model_format_version)
    throw Error(ErrorCode::unsupported, path + ": format_version", "1, 2", version);
  return version;
}

nlohmann::json model_file_object(const WeightTable& table, const char* key, const std::string& path) {
  const std::string subject = std::string(path).append(": ").append(key);
  Json json = parse_json(metadata_of(table, key), subject);
  if (json.is_object()) return json;
  throw Error(ErrorCode::format, subject, "a JSON object", "something else");
}

}  // namespace recurra
