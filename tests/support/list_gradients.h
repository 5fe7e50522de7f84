/// Gradients of layers of several inputs against central differences.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "recurra/layers/layer.h"
#include "tests/support/layer_gradients.h"

namespace recurra::test {

inline Shape shape_without_batch(const Tensor& x) {
  return Shape(std::vector<i64>(x.shape().extents().begin() + 1, x.shape().extents().end()));
}

/// Builds the layer for `inputs`, with masks that may be missing, and compares the gradients of sum(d * y)
/// over all outputs y, by all inputs and parameters, d being normal numbers, as expect_gradients does.
inline void expect_list_gradients(Layer& layer,
                                  std::vector<Tensor> inputs,
                                  std::vector<const StepMask*> masks) {
  std::vector<Shape> shapes;
  std::vector<const Tensor*> list;
  for (const Tensor& input : inputs) {
    shapes.push_back(shape_without_batch(input));
    list.push_back(&input);
  }
  Random random(1);
  layer.build(shapes, random);
  Context context{.training = true};
  if (!masks.empty()) context.mask = masks[0];
  context.masks = masks;
  std::vector<Tensor> ds;
  const auto loss = [&] {
    layer.parameters_changed();
    const TensorList ys = layer.forward(list, context);
    double sum = 0;
    for (std::size_t k = 0; k < ys.size(); ++k) {
      if (ds.size() == k) ds.push_back(normal(ys[k]->shape(), 99 + k));
      for (i64 i = 0; i < ys[k]->size(); ++i) sum += double(ds[k].data()[i]) * ys[k]->data()[i];
    }
    return sum;
  };
  loss();
  std::vector<const Tensor*> d_list;
  for (const Tensor& d : ds) d_list.push_back(&d);
  const std::vector<std::uint8_t> wanted(inputs.size(), 1);
  const TensorList gradients = layer.backward(list, d_list, wanted, context);
  std::vector<std::pair<Tensor*, Tensor>> pairs;
  for (std::size_t i = 0; i < inputs.size(); ++i) pairs.emplace_back(&inputs[i], *gradients[i]);
  for (Parameter* parameter : layer.parameters())
    if (parameter->trainable) pairs.emplace_back(&parameter->value, parameter->gradient);
  for (auto& pair : pairs) {
    Tensor* const value = pair.first;
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
      const double slope = (4 * difference(0.01F) - difference(0.02F)) / 3;
      EXPECT_NEAR(pair.second.data()[i], slope, 2e-3 * std::max(1.0, std::abs(slope)));
    }
  }
}

}  // namespace recurra::test
