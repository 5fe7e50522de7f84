#include "recurra/layers/json_text.h"

#include <algorithm>

#include "recurra/base/error.h"
#include "recurra/base/shown.h"

namespace recurra {

namespace {

using Json = nlohmann::json;

bool has_more_levels(const Json& json, int levels) {
  if (!json.is_structured()) return false;
  return levels == 0 || std::any_of(json.begin(), json.end(), [&](const Json& value) {
           return has_more_levels(value, levels - 1);
         });
}

[[noreturn]] void refuse_levels(const std::string& subject) {
  throw Error(ErrorCode::format,
              subject,
              "JSON of at most " + std::to_string(max_json_levels) + " levels of lists and objects",
              "more");
}

}  // namespace

void require_shallow(const Json& json, const std::string& subject) {
  if (has_more_levels(json, max_json_levels)) refuse_levels(subject);
}

Json parse_json(std::string_view text, const std::string& subject) {
  // At the first letter of the level too much: a list of a hundred million would not fit into memory.
  const auto check = [&](int outer_levels, Json::parse_event_t event, const Json&) {
    const bool begins =
        event == Json::parse_event_t::array_start || event == Json::parse_event_t::object_start;
    if (begins && outer_levels == max_json_levels) refuse_levels(subject);
    return true;
  };
  return Json::parse(text, check, false);
}

std::string shown_json(const Json& json) {
  // Where a text in it is no UTF-8, dump would throw.
  return shortened(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace recurra
