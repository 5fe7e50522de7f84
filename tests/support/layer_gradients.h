/// Gradients of layers against central differences.
#pragma once

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "recurra/layers/layer.h"

namespace recurra::test {

/// Standard normal numbers, the same for the same stream.
inline Tensor normal(const Shape& shape, std::uint64_t stream) {
  Random random(11, stream);
  Tensor tensor(shape);
  for (float& value : tensor.as<float>()) value = random.normal();
  return tensor;
}

/// dx and all parameter gradients of sum(d * layer(x)) + layer.penalty() against central differences of the
/// f32 forward pass; the steps leave 1e-3 of rounding and curvature.
inline void expect_gradients(Layer& layer, Tensor x, const Tensor& d, const Context& context) {
  const auto loss = [&] {
    layer.parameters_changed();
    const Tensor& y = layer.forward(x, context);
    double sum = 0;
    for (i64 i = 0; i < y.size(); ++i) sum += double(d.data()[i]) * y.data()[i];
    return sum + layer.penalty();
  };
  static_cast<void>(loss());
  const Tensor dx = layer.backward(x, d, true, context);
  std::vector<std::pair<Tensor*, Tensor>> pairs = {{&x, dx}};
  for (Parameter* parameter : layer.parameters()) {
    if (!parameter->trainable) continue;
    pairs.emplace_back(&parameter->value, parameter->gradient);
    if (parameter->regularizer != nullptr)
      parameter->regularizer->add_gradient(parameter->value, 1.0, pairs.back().second);
  }
  for (auto& [value, gradient] : pairs) {
    for (i64 i = 0; i < value->size(); i += std::max<i64>(value->size() / 20, 1)) {
      const float at = value->data()[i];
      const auto difference = [&](float step) {
        value->data()[i] = at + step;
        const double above = loss();
        value->data()[i] = at - step;
        const double below = loss();
        value->data()[i] = at;
        return (above - below) / (2.0 * double(step));
      };
      // Of two steps the error of curvature, which grows with their square, cancels.
      const double slope = (4 * difference(0.01F) - difference(0.02F)) / 3;
      EXPECT_NEAR(gradient.data()[i], slope, 2e-3 * std::max(1.0, std::abs(slope)));
    }
  }
}

}  // namespace recurra::test
