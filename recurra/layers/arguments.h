/// Reading of configs: takes the arguments out one by one; what is left over is unknown.
///
/// Private to the library.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/base/platform.h"
#include "recurra/layers/json_text.h"

namespace recurra {

/// The arguments of one layer, initializer, …. Each is taken once, in the order in which an error is to list
/// them.
class RECURRA_API Arguments {
 public:
  using Json = nlohmann::json;

  /// `type` stands in front of the texts of errors. Throws Error (format) unless `values` is an object.
  Arguments(std::string type, Json values);

  [[nodiscard]] const std::string& type() const noexcept { return type_; }

  /// The subject of an error about one argument: `Dense.units`.
  [[nodiscard]] std::string subject(std::string_view name) const;

  /// The argument, or `fallback` where it is not given. Throws Error (format) where it is of another type.
  /// T: std::string, bool, i64 or double.
  template <class T>
  T take(const char* name, T fallback) {
    const std::optional<Json> value = take_given(name);
    if (!value) return fallback;
    return checked<T>(name, *value);
  }

  /// The same for an argument that may be null: none.
  template <class T>
  std::optional<T> take_optional(const char* name) {
    const Json value = take_json(name);
    if (value.is_null()) return std::nullopt;
    return checked<T>(name, value);
  }

  /// The argument as it is; null where it is not given.
  Json take_json(const char* name);

  /// The same; nothing where it is not given.
  std::optional<Json> take_given(const char* name);

  /// An argument without a meaning here. Throws Error (unsupported) where it is given with another value than
  /// those of `harmless`, the first of which is named as supported.
  void ignore(const char* name, std::initializer_list<Json> harmless);

  /// An argument that may have any value.
  void ignore(const char* name) { values_.erase(name); }

  /// Throws Error (unsupported), listing what has been taken, where something is left.
  void finish() const;

 private:
  template <class T>
  T checked(const char* name, const Json& value) const {
    const bool fits = std::is_same_v<T, std::string> ? value.is_string()
                      : std::is_same_v<T, bool>      ? value.is_boolean()
                      : std::is_same_v<T, i64>       ? value.is_number_integer()
                                                     : value.is_number();
    if (!fits) throw Error(ErrorCode::format, subject(name), expected<T>(), shown_json(value));
    return value.template get<T>();
  }

  template <class T>
  static const char* expected() {
    if (std::is_same_v<T, std::string>) return "a string";
    if (std::is_same_v<T, bool>) return "true or false";
    return std::is_same_v<T, i64> ? "an integer" : "a number";
  }

  std::string type_;
  Json values_;
  std::string known_;
};

/// An object as Keras writes it: `"name"`, or {"class_name": "Name", "config": {…}}, where module,
/// registered_name, shared_object_id and build_config are passed over.
struct KerasObject {
  std::string name;
  nlohmann::json config;  ///< an object; a string for a function
  bool bare = false;      ///< only a name: Keras's defaults
};

/// Throws Error (format) with `subject` for anything else.
[[nodiscard]] KerasObject read_keras_object(const nlohmann::json& json, const std::string& subject);

/// A value as a message about what is supported shows it: as shown_json, but a string without quotes.
[[nodiscard]] std::string plain_text(const nlohmann::json& json);

/// What Keras writes for an object of its own.
[[nodiscard]] nlohmann::json write_keras_object(const char* module,
                                                const char* class_name,
                                                nlohmann::json config);

}  // namespace recurra
