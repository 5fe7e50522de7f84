/// Gradients of differentiable functions against central differences.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include <gtest/gtest.h>

#include "recurra/autograd/functions.h"
#include "recurra/base/error.h"
#include "recurra/base/random.h"

namespace recurra::autograd::test {

using Function = std::function<Variable(const std::vector<Variable>&)>;

/// Standard normal numbers, the same for the same stream.
inline Tensor normal(const Shape& shape, std::uint64_t stream = 0) {
  Random random(23, stream);
  Tensor tensor(shape);
  for (float& value : tensor.as<float>()) value = random.normal();
  return tensor;
}

/// Numbers in [low, high), away from 0 and other kinks.
inline Tensor uniform(const Shape& shape, float low, float high, std::uint64_t stream = 0) {
  Random random(29, stream);
  Tensor tensor(shape);
  for (float& value : tensor.as<float>()) value = random.uniform(low, high);
  return tensor;
}

inline std::vector<Variable> leaves(const std::vector<Tensor>& values, bool requires_grad) {
  std::vector<Variable> list;
  for (const Tensor& value : values) list.emplace_back(value, requires_grad && value.dtype() == Dtype::f32);
  return list;
}

/// sum(d * f(values)), summed in double.
inline double weighted_sum(const Function& f, const std::vector<Tensor>& values, const Tensor& d) {
  const NoGradient inference;
  const Variable y = f(leaves(values, false));
  double sum = 0;
  for (i64 i = 0; i < y.value().size(); ++i) sum += double(d.data()[i]) * y.value().data()[i];
  return sum;
}

/// The gradients of sum(d * f(values)) with respect to all f32 values against central differences.
///
/// An element of f is off by at most 4e-7 (activations, simd/math.h; sums of few products are closer), and a
/// difference of two steps multiplies that by 1.7 / 0.02 for every element that a value reaches: with the 25
/// of the largest shapes here and d about 1, 1e-3. Terms of curvature cancel up to the fourth power of 0.02.
inline void expect_gradients(const Function& f, std::vector<Tensor> values) {
  const std::vector<Variable> inputs = leaves(values, true);
  const Variable y = f(inputs);
  const Tensor d = normal(y.shape(), 99);
  ASSERT_TRUE(y.requires_grad());
  backward(std::vector{y}, std::vector{d});
  for (std::size_t k = 0; k < values.size(); ++k) {
    if (values[k].dtype() != Dtype::f32) continue;
    if (values[k].size() == 0) continue;
    ASSERT_TRUE(inputs[k].has_gradient()) << "input " << k;
    const Tensor& gradient = inputs[k].gradient();
    ASSERT_EQ(gradient.shape(), values[k].shape());
    for (i64 i = 0; i < values[k].size(); i += std::max<i64>(values[k].size() / 12, 1)) {
      float& value = values[k].data()[i];
      const float at = value;
      const auto difference = [&](float step) {
        value = at + step;
        const double above = weighted_sum(f, values, d);
        value = at - step;
        const double below = weighted_sum(f, values, d);
        value = at;
        return (above - below) / (2.0 * double(step));
      };
      const double slope = (4 * difference(0.01F) - difference(0.02F)) / 3;
      EXPECT_NEAR(gradient.data()[i], slope, 1e-3 * std::max(1.0, std::abs(slope)))
          << "input " << k << " element " << i;
    }
  }
}

/// The text of the Error a call throws.
inline std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

inline Variable leaf(const Shape& shape) {
  return Variable(Tensor(shape));
}

}  // namespace recurra::autograd::test
