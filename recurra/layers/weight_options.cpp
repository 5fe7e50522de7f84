#include "recurra/layers/weight_options.h"

#include "recurra/layers/arguments.h"

namespace recurra {

WeightOptions take_weight_options(Arguments& arguments, const std::string& name, WeightOptions fallback) {
  const auto take = [&](const char* what, const auto& read) {
    const std::string argument = std::string(name).append(what);
    if (const auto json = arguments.take_given(argument.c_str())) read(*json, arguments.subject(argument));
  };
  take("_initializer", [&](const nlohmann::json& json, const std::string& subject) {
    fallback.initializer = make_initializer(json, subject);
  });
  take("_regularizer", [&](const nlohmann::json& json, const std::string& subject) {
    fallback.regularizer = make_regularizer(json, subject);
  });
  take("_constraint", [&](const nlohmann::json& json, const std::string& subject) {
    fallback.constraint = make_constraint(json, subject);
  });
  return fallback;
}

void write_weight_options(nlohmann::json& config, const std::string& name, const WeightOptions& options) {
  config[std::string(name).append("_initializer")] = config_of(options.initializer);
  config[std::string(name).append("_regularizer")] = config_of(options.regularizer);
  config[std::string(name).append("_constraint")] = config_of(options.constraint);
}

}  // namespace recurra
