/// Optimizers by name and by Keras's config.
#include <algorithm>
#include <cctype>
#include <string>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/training/config_arguments.h"
#include "recurra/training/optimizers.h"

namespace recurra {

namespace {

using Json = nlohmann::json;

/// The options that differ in name only; `rate` replaces the learning rate where it is not 0.
template <class Options>
void read_common(Options& options, ConfigArguments& arguments, double rate) {
  const std::optional<double> own = arguments.number("learning_rate");
  options.learning_rate = rate != 0.0 ? rate : own.value_or(options.learning_rate);
  options.update.weight_decay = arguments.number("weight_decay");
  options.update.clipnorm = arguments.number("clipnorm");
  options.update.global_clipnorm = arguments.number("global_clipnorm");
  options.update.clipvalue = arguments.number("clipvalue");
}

std::unique_ptr<Optimizer> make_sgd(ConfigArguments& arguments, double rate) {
  SgdOptions options;
  read_common(options, arguments, rate);
  options.momentum = arguments.number("momentum").value_or(options.momentum);
  options.nesterov = arguments.boolean("nesterov").value_or(options.nesterov);
  return std::make_unique<Sgd>(options);
}

std::unique_ptr<Optimizer> make_rms_prop(ConfigArguments& arguments, double rate) {
  RmsPropOptions options;
  read_common(options, arguments, rate);
  options.rho = arguments.number("rho").value_or(options.rho);
  options.momentum = arguments.number("momentum").value_or(options.momentum);
  options.epsilon = arguments.number("epsilon").value_or(options.epsilon);
  options.centered = arguments.boolean("centered").value_or(options.centered);
  return std::make_unique<RmsProp>(options);
}

template <std::derived_from<Optimizer> Kind>
std::unique_ptr<Optimizer> make_adam(ConfigArguments& arguments, double rate) {
  AdamOptions options;
  read_common(options, arguments, rate);
  options.beta_1 = arguments.number("beta_1").value_or(options.beta_1);
  options.beta_2 = arguments.number("beta_2").value_or(options.beta_2);
  options.epsilon = arguments.number("epsilon").value_or(options.epsilon);
  options.amsgrad = arguments.boolean("amsgrad").value_or(options.amsgrad);
  return std::make_unique<Kind>(options);
}

struct OptimizerType {
  std::string_view name;  // Keras's class name in lower case
  std::unique_ptr<Optimizer> (*make)(ConfigArguments&, double rate);
};

constexpr OptimizerType optimizer_types[] = {
    {"sgd", make_sgd},
    {"rmsprop", make_rms_prop},
    {"adam", make_adam<Adam>},
    {"adamw", make_adam<AdamW>},
};

/// Keras writes more than it uses here: what is switched off is let pass, what would change a step is
/// refused.
void check_unused(ConfigArguments& arguments) {
  arguments.ignore("name");
  arguments.ignore("ema_momentum");
  arguments.require("use_ema", false);
  arguments.require("ema_overwrite_frequency", Json());
  arguments.require("loss_scale_factor", Json());
  arguments.require("gradient_accumulation_steps", Json());
  // Keras 2
  arguments.ignore("jit_compile");
  arguments.ignore("is_legacy_optimizer");
}

std::unique_ptr<Optimizer> make(std::string_view name, const Json& config, double rate) {
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  std::string names;
  for (const OptimizerType& type : optimizer_types) {
    if (lower == type.name) {
      ConfigArguments arguments(std::string(name), config);
      check_unused(arguments);
      std::unique_ptr<Optimizer> optimizer = type.make(arguments, rate);
      arguments.finish();
      return optimizer;
    }
    names.append(names.empty() ? "" : ", ").append(type.name);
  }
  throw Error(ErrorCode::unsupported, "optimizer", names, std::string(name));
}

}  // namespace

std::unique_ptr<Optimizer> make_optimizer(std::string_view name, double learning_rate) {
  return make(name, Json::object(), learning_rate);
}

std::unique_ptr<Optimizer> make_optimizer_from_config(const Json& config, double learning_rate) {
  if (config.is_string()) return make_optimizer(config.get<std::string>(), learning_rate);
  const std::string class_name = class_name_of("optimizer", config);
  return make(class_name, config_of(config), learning_rate);
}

}  // namespace recurra
