#include "recurra/layers/arguments.h"

#include <algorithm>

#include "recurra/base/shown.h"

namespace recurra {

using Json = nlohmann::json;

Arguments::Arguments(std::string type, Json values) : type_(std::move(type)), values_(std::move(values)) {
  if (values_.is_object()) return;
  throw Error(ErrorCode::format, type_ + ".config", "a JSON object", shown_json(values_));
}

std::string Arguments::subject(std::string_view name) const {
  return std::string(type_).append(".").append(name);
}

std::optional<Json> Arguments::take_given(const char* name) {
  known_.append(known_.empty() ? "" : ", ").append(name);
  const auto found = values_.find(name);
  if (found == values_.end()) return std::nullopt;
  Json value = std::move(*found);
  values_.erase(found);
  return value;
}

Json Arguments::take_json(const char* name) {
  return take_given(name).value_or(Json());
}

void Arguments::ignore(const char* name, std::initializer_list<Json> harmless) {
  const auto found = values_.find(name);
  if (found == values_.end()) return;
  if (std::ranges::find(harmless, *found) == harmless.end()) {
    throw Error(ErrorCode::unsupported, subject(name), plain_text(*harmless.begin()), plain_text(*found));
  }
  values_.erase(found);
}

void Arguments::finish() const {
  if (values_.empty()) return;
  throw Error(
      ErrorCode::unsupported, type_ + " argument", known_.empty() ? "none" : known_, values_.begin().key());
}

KerasObject read_keras_object(const Json& json, const std::string& subject) {
  if (json.is_string()) return {json.get<std::string>(), Json::object(), true};
  if (!json.is_object() || !json.contains("class_name") || !json["class_name"].is_string()) {
    throw Error(
        ErrorCode::format, subject, "a name or an object with a string \"class_name\"", shown_json(json));
  }
  Arguments arguments(subject, json);
  KerasObject object;
  object.name = arguments.take<std::string>("class_name", "");
  const Json config = arguments.take_json("config");
  object.config = config.is_null() ? Json::object() : config;
  for (const char* passed : {"module", "registered_name", "shared_object_id", "build_config"})
    arguments.ignore(passed);
  arguments.finish();
  return object;
}

std::string plain_text(const Json& json) {
  return json.is_string() ? shortened(json.get<std::string>()) : shown_json(json);
}

Json write_keras_object(const char* module, const char* class_name, Json config) {
  return {{"module", module},
          {"class_name", class_name},
          {"config", std::move(config)},
          {"registered_name", nullptr}};
}

}  // namespace recurra
