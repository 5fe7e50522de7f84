/// Gradients of operations against central differences.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "recurra/base/random.h"
#include "recurra/base/tensor.h"

namespace recurra::test {

/// Normal numbers times `scale`, the same for the same stream.
inline Tensor normal_tensor(const Shape& shape, std::uint64_t stream, float scale = 1) {
  Random random(17, stream);
  Tensor tensor(shape);
  for (float& value : tensor.as<float>()) value = scale * random.normal();
  return tensor;
}

/// The sum over seed times output; 0 where there is no seed.
inline double weighted_sum(const Tensor& seed, const Tensor& output) {
  double sum = 0;
  for (i64 i = 0; seed.shape() != Shape{0} && i < output.size(); ++i)
    sum += double(seed.data()[i]) * output.data()[i];
  return sum;
}

/// Compares the gradients, beside the tensors they are of, with differences of the f32 loss; the steps leave
/// 1e-3 of rounding and curvature. Where two steps disagree by more than `kink`, a clip or a kink lies
/// between, and the element is passed over; most must not be.
inline void expect_slopes(const std::vector<std::pair<Tensor*, const Tensor*>>& pairs,
                          const std::function<double()>& loss,
                          double kink = 0.01) {
  int compared = 0, passed_over = 0;
  for (std::size_t p = 0; p < pairs.size(); ++p) {
    Tensor& value = *pairs[p].first;
    SCOPED_TRACE("input " + std::to_string(p));
    ASSERT_EQ(pairs[p].second->shape(), value.shape());
    for (i64 i = 0; i < value.size(); i += std::max<i64>(value.size() / 8, 1)) {
      const float at = value.data()[i];
      const auto at_step = [&](float step) {
        value.data()[i] = at + step;
        const double there = loss();
        value.data()[i] = at;
        return there;
      };
      constexpr double step = 0.01;
      const double here = at_step(0);
      const double above = at_step(float(step)) - here;
      const double below = here - at_step(float(-step));
      const double near = (above + below) / (2 * step);
      const double far = (at_step(float(2 * step)) - at_step(float(-2 * step))) / (4 * step);
      const double scale = std::max(1.0, std::abs(near));
      if (std::abs(near - far) > kink * scale || std::abs(above - below) > 0.03 * scale * step) {
        ++passed_over;
        continue;
      }
      ++compared;
      // Of two steps the error of curvature, which grows with their square, cancels.
      const double slope = (4 * near - far) / 3;
      EXPECT_NEAR(pairs[p].second->data()[i], slope, 2e-3 * std::max(1.0, std::abs(slope)))
          << "element " << i;
    }
  }
  EXPECT_GE(compared, 3 * passed_over);
}

}  // namespace recurra::test
