#include "recurra/layers/layer.h"

namespace recurra {

double Layer::penalty() {
  double sum = activity_.value();
  for (const Parameter* parameter : parameters()) {
    if (parameter->trainable && parameter->regularizer != nullptr)
      sum += parameter->regularizer->value(parameter->value);
  }
  return sum;
}

}  // namespace recurra
