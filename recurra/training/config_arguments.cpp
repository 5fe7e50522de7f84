#include "recurra/training/config_arguments.h"

#include <limits>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/layers/arguments.h"

namespace recurra {

using Json = nlohmann::json;

ConfigArguments::ConfigArguments(std::string subject, const Json& config)
    : subject_(std::move(subject)), config_(config) {
  if (!config.is_object())
    throw Error(ErrorCode::format, subject_ + ".config", "a JSON object", shown_json(config));
}

std::string ConfigArguments::subject_of(const char* name) const {
  return std::string(subject_).append(".").append(name);
}

const Json* ConfigArguments::find(const char* name) {
  known_.insert(name);
  const auto found = config_.find(name);
  return found == config_.end() || found->is_null() ? nullptr : &*found;
}

std::optional<double> ConfigArguments::number(const char* name) {
  const Json* value = find(name);
  if (value == nullptr) return {};
  if (!value->is_number()) throw Error(ErrorCode::format, subject_of(name), "a number", shown_json(*value));
  return value->get<double>();
}

std::optional<bool> ConfigArguments::boolean(const char* name) {
  const Json* value = find(name);
  if (value == nullptr) return {};
  if (!value->is_boolean())
    throw Error(ErrorCode::format, subject_of(name), "true or false", shown_json(*value));
  return value->get<bool>();
}

std::optional<int> ConfigArguments::integer(const char* name) {
  const Json* value = find(name);
  if (value == nullptr) return {};
  constexpr i64 least = std::numeric_limits<int>::min();
  constexpr i64 largest = std::numeric_limits<int>::max();
  const bool fits = value->is_number_unsigned() ? value->get<std::uint64_t>() <= std::uint64_t{largest}
                                                : value->is_number_integer() && value->get<i64>() >= least;
  if (!fits) throw Error(ErrorCode::format, subject_of(name), "an integer of 32 bits", shown_json(*value));
  return value->get<int>();
}

bool ConfigArguments::required_boolean(const char* name) {
  const std::optional<bool> value = boolean(name);
  if (!value) throw Error(ErrorCode::format, subject_of(name), "true or false", "nothing");
  return *value;
}

void ConfigArguments::ignore(const char* name) {
  known_.insert(name);
}

void ConfigArguments::require(const char* name, const Json& only) {
  const Json* value = find(name);
  if (value != nullptr && *value != only)
    throw Error(ErrorCode::unsupported, subject_of(name), plain_text(only), plain_text(*value));
}

void ConfigArguments::finish() const {
  for (const auto& [key, value] : config_.items()) {
    if (known_.contains(key)) continue;
    std::string names;
    for (const std::string& name : known_) names.append(names.empty() ? "" : ", ").append(name);
    throw Error(ErrorCode::unsupported, subject_ + " argument", names, key);
  }
}

std::string class_name_of(const char* subject, const Json& json) {
  const auto found = json.is_object() ? json.find("class_name") : json.end();
  if (found == json.end() || !found->is_string()) {
    throw Error(ErrorCode::format, subject, "an object with a string \"class_name\"", shown_json(json));
  }
  return found->get<std::string>();
}

Json config_of(const Json& json) {
  return json.value("config", Json::object());
}

Json named_config(const char* class_name, const Json& config) {
  return {{"class_name", class_name}, {"config", config}};
}

}  // namespace recurra
