/// Reads the JSON in which Keras keeps losses and optimizers: {"class_name": …, "config": {…}}.
///
/// Private to the library.
#pragma once

#include <optional>
#include <set>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "recurra/base/platform.h"

namespace recurra {

/// The arguments of one object. What nobody asked for is unknown, and an error.
class ConfigArguments {
 public:
  /// Throws Error (format), subject `subject`.config, unless `config` is an object. It must outlive this.
  ConfigArguments(std::string subject, const nlohmann::json& config);

  /// Each: what stands under `name`; nothing where it is absent or null. Throws Error (format) for another
  /// type.
  std::optional<double> number(const char* name);
  /// As number.
  std::optional<bool> boolean(const char* name);
  /// As number.
  std::optional<int> integer(const char* name);

  /// Throws Error (format) where there is no such argument: nothing can stand for it.
  bool required_boolean(const char* name);

  /// An argument that changes nothing here.
  void ignore(const char* name);

  /// Throws Error (unsupported) unless `name` is absent, null or `only`.
  void require(const char* name, const nlohmann::json& only);

  /// Throws Error (unsupported) for the first argument nobody asked for, with the list of those known.
  void finish() const;

 private:
  const nlohmann::json* find(const char* name);
  [[nodiscard]] std::string subject_of(const char* name) const;

  std::string subject_;
  const nlohmann::json& config_;
  std::set<std::string> known_;
};

/// The class name of {"class_name": …, "config": …}. Throws Error (format), subject `subject`.
[[nodiscard]] std::string class_name_of(const char* subject, const nlohmann::json& json);

/// Its config; an empty object where there is none.
[[nodiscard]] nlohmann::json config_of(const nlohmann::json& json);

/// {"class_name": class_name, "config": config}.
[[nodiscard]] nlohmann::json named_config(const char* class_name, const nlohmann::json& config);

}  // namespace recurra
