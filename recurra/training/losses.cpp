/// Losses by name and by Keras's config.
#include "recurra/training/losses.h"

#include <string>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/training/config_arguments.h"

namespace recurra {

namespace {

using Json = nlohmann::json;

/// What every config of a loss has.
Json with_common(const Loss& loss, Json config) {
  config["name"] = loss.name();
  config["reduction"] = "sum_over_batch_size";
  return config;
}

CrossentropyOptions crossentropy_options(ConfigArguments& arguments) {
  CrossentropyOptions options;
  options.from_logits = arguments.required_boolean("from_logits");
  options.label_smoothing = arguments.number("label_smoothing").value_or(0.0);
  arguments.require("axis", -1);
  return options;
}

Json config_of_options(const CrossentropyOptions& options) {
  return {{"from_logits", options.from_logits}, {"label_smoothing", options.label_smoothing}, {"axis", -1}};
}

std::unique_ptr<Loss> make_sparse(ConfigArguments& arguments) {
  SparseCategoricalCrossentropyOptions options;
  options.from_logits = arguments.required_boolean("from_logits");
  options.ignore_class = arguments.integer("ignore_class");
  arguments.require("axis", -1);
  return std::make_unique<SparseCategoricalCrossentropy>(options);
}

std::unique_ptr<Loss> make_huber(ConfigArguments& arguments) {
  return std::make_unique<Huber>(HuberOptions{arguments.number("delta").value_or(HuberOptions().delta)});
}

template <std::derived_from<Loss> Kind>
std::unique_ptr<Loss> make_default() {
  return std::make_unique<Kind>();
}

template <std::derived_from<Loss> Kind>
std::unique_ptr<Loss> make_plain(ConfigArguments& /*arguments*/) {
  return std::make_unique<Kind>();
}

template <std::derived_from<Loss> Kind>
std::unique_ptr<Loss> make_crossentropy(ConfigArguments& arguments) {
  return std::make_unique<Kind>(crossentropy_options(arguments));
}

struct LossType {
  std::string_view name;
  std::string_view class_name;
  std::string_view short_name;  // empty: none
  std::unique_ptr<Loss> (*make)();
  std::unique_ptr<Loss> (*from_config)(ConfigArguments&);
};

constexpr LossType loss_types[] = {
    {"sparse_categorical_crossentropy",
     "SparseCategoricalCrossentropy",
     "",
     make_default<SparseCategoricalCrossentropy>,
     make_sparse},
    {"categorical_crossentropy",
     "CategoricalCrossentropy",
     "",
     make_default<CategoricalCrossentropy>,
     make_crossentropy<CategoricalCrossentropy>},
    {"binary_crossentropy",
     "BinaryCrossentropy",
     "bce",
     make_default<BinaryCrossentropy>,
     make_crossentropy<BinaryCrossentropy>},
    {"mean_squared_error",
     "MeanSquaredError",
     "mse",
     make_default<MeanSquaredError>,
     make_plain<MeanSquaredError>},
    {"mean_absolute_error",
     "MeanAbsoluteError",
     "mae",
     make_default<MeanAbsoluteError>,
     make_plain<MeanAbsoluteError>},
    {"huber", "Huber", "", make_default<Huber>, make_huber},
};

const LossType& find_type(std::string_view name) {
  std::string names;
  for (const LossType& type : loss_types) {
    if (name == type.name || name == type.class_name || (!name.empty() && name == type.short_name))
      return type;
    names.append(names.empty() ? "" : ", ").append(type.name);
    if (!type.short_name.empty()) names.append(" (").append(type.short_name).append(")");
  }
  throw Error(ErrorCode::unsupported, "loss", names, std::string(name));
}

}  // namespace

Json SparseCategoricalCrossentropy::config() const {
  const Json ignored = options_.ignore_class ? Json(*options_.ignore_class) : Json();
  return named_config("SparseCategoricalCrossentropy",
                      with_common(*this, {{"from_logits", options_.from_logits}, {"ignore_class", ignored}}));
}

Json CategoricalCrossentropy::config() const {
  return named_config("CategoricalCrossentropy", with_common(*this, config_of_options(options_)));
}

Json BinaryCrossentropy::config() const {
  return named_config("BinaryCrossentropy", with_common(*this, config_of_options(options_)));
}

Json MeanSquaredError::config() const {
  return named_config("MeanSquaredError", with_common(*this, Json::object()));
}

Json MeanAbsoluteError::config() const {
  return named_config("MeanAbsoluteError", with_common(*this, Json::object()));
}

Json Huber::config() const {
  return named_config("Huber", with_common(*this, {{"delta", options_.delta}}));
}

std::unique_ptr<Loss> make_loss(std::string_view name) {
  return find_type(name).make();
}

std::unique_ptr<Loss> make_loss_from_config(const Json& config) {
  if (config.is_string()) return make_loss(config.get<std::string>());
  const std::string class_name = class_name_of("loss", config);
  const LossType& type = find_type(class_name);
  const Json options = config_of(config);
  ConfigArguments arguments(class_name, options);
  arguments.ignore("name");
  arguments.require("reduction", "sum_over_batch_size");
  arguments.require("dtype", "float32");
  std::unique_ptr<Loss> loss = type.from_config(arguments);
  arguments.finish();
  return loss;
}

}  // namespace recurra
