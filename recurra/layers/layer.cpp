#include "recurra/layers/layer.h"

#include <nlohmann/json.hpp>

namespace recurra {

double Layer::penalty() {
  double sum = activity_.value();
  for (const Parameter* parameter : parameters()) {
    if (parameter->trainable && parameter->regularizer != nullptr)
      sum += parameter->regularizer->value(parameter->value);
  }
  return sum;
}

Parameter Layer::make_parameter(std::string name,
                                const Shape& shape,
                                const WeightOptions& options,
                                Random& random) const {
  Parameter parameter{std::move(name), Tensor(shape), Tensor(), trainable()};
  if (trainable()) parameter.gradient = Tensor(shape);
  initialize(options.initializer, parameter.value, random);
  parameter.regularizer = options.regularizer;
  parameter.constraint = options.constraint;
  if (options.constraint != nullptr) {
    Tensor probe(shape);  // one that does not fit the shape says so now, not after the first update
    options.constraint->apply(probe);
  }
  return parameter;
}

nlohmann::json Layer::base_config() const {
  return {{"name", name_}, {"trainable", trainable_}};
}

}  // namespace recurra
