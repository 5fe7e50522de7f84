#include "recurra/layers/json_text.h"

#include <algorithm>

#include "recurra/base/error.h"

namespace recurra {

namespace {

bool has_more_levels(const nlohmann::json& json, int levels) {
  if (!json.is_structured()) return false;
  return levels == 0 || std::any_of(json.begin(), json.end(), [&](const nlohmann::json& value) {
           return has_more_levels(value, levels - 1);
         });
}

}  // namespace

void require_shallow(const nlohmann::json& json, const std::string& subject) {
  if (!has_more_levels(json, max_json_levels)) return;
  throw Error(ErrorCode::format,
              subject,
              "JSON of at most " + std::to_string(max_json_levels) + " levels of lists and objects",
              "more");
}

nlohmann::json parse_json(std::string_view text, const std::string& subject) {
  nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  require_shallow(json, subject);
  return json;
}

}  // namespace recurra
