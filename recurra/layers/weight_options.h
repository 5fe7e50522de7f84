/// What a layer's user may say about each of its weights.
#pragma once

#include <memory>
#include <string>

#include "recurra/layers/constraints.h"
#include "recurra/layers/initializers.h"
#include "recurra/layers/regularizers.h"

namespace recurra {

/// How a weight starts, what it costs and where it must stay: Keras's …_initializer, …_regularizer and
/// …_constraint.
struct WeightOptions {
  Initializer initializer = Constant{0};
  std::shared_ptr<const Regularizer> regularizer = nullptr;  ///< null: none
  std::shared_ptr<const Constraint> constraint = nullptr;    ///< null: none
};

class Arguments;

/// Takes `<name>_initializer`, `<name>_regularizer` and `<name>_constraint`, where they are given.
[[nodiscard]] RECURRA_API WeightOptions take_weight_options(Arguments& arguments,
                                                            const std::string& name,
                                                            WeightOptions fallback);

/// Adds the three to a layer's config.
RECURRA_API void write_weight_options(nlohmann::json& config,
                                      const std::string& name,
                                      const WeightOptions& options);

}  // namespace recurra
