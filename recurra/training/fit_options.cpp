#include "recurra/training/fit_options.h"

#include <cmath>

#include "recurra/base/error.h"
#include "recurra/base/shortest.h"

namespace recurra {

namespace {

void check_validation(const FitOptions& options) {
  if (!(options.validation_split >= 0.0 && options.validation_split < 1.0)) {
    throw Error(ErrorCode::invalid_argument,
                "validation_split",
                "from 0 up to below 1",
                shortest(options.validation_split));
  }
  std::string given;
  int count = 0;
  const auto add = [&](const char* name, bool is_given) {
    if (is_given) given.append(++count > 1 ? ", " : "").append(name);
  };
  add("validation_split", options.validation_split != 0.0);
  add("validation_data", options.validation_data != nullptr);
  add("validation_source", options.validation_source != nullptr);
  if (count > 1) {
    throw Error(ErrorCode::invalid_argument,
                "validation",
                "one of validation_split, validation_data, validation_source",
                given);
  }
  require_at_least("validation_freq", options.validation_freq, 1);
  require_at_least("validation_batch_size", options.validation_batch_size, 0);
  if (options.validation_data != nullptr) {
    check_examples(*options.validation_data, "validation_data");
    require_at_least("validation_data", options.validation_data->x.shape()[0], 1);
  }
}

void check_class_weight(const std::map<int, double>& class_weight) {
  for (const auto& [label, weight] : class_weight) {
    if (std::isfinite(weight)) continue;
    throw Error(ErrorCode::invalid_argument,
                "class_weight[" + std::to_string(label) + "]",
                "a finite number",
                shortest(weight));
  }
}

}  // namespace

void require_at_least(const char* name, i64 value, i64 least) {
  if (value >= least) return;
  throw Error(
      ErrorCode::invalid_argument, name, "from " + std::to_string(least) + " up", std::to_string(value));
}

void check_fit_options(const FitOptions& options) {
  require_at_least("batch_size", options.batch_size, 1);
  require_at_least("epochs", options.epochs, 0);
  require_at_least("initial_epoch", options.initial_epoch, 0);
  require_at_least("steps_per_epoch", options.steps_per_epoch, 0);
  check_validation(options);
  check_class_weight(options.class_weight);
}

}  // namespace recurra
