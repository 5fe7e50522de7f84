/// Tensors against golden numbers.
#pragma once

#include <cmath>

#include <gtest/gtest.h>

#include "recurra/base/tensor.h"

namespace recurra::test {

/// How far a number may be from a golden one g: absolute + relative * |g|.
struct Tolerance {
  double absolute = 0;
  double relative = 0;
};

/// Fails where the shapes differ, and at the first element too far off.
inline void expect_within(const Tensor& actual, const Tensor& golden, const Tolerance& tolerance) {
  ASSERT_EQ(actual.shape(), golden.shape());
  for (i64 i = 0; i < actual.size(); ++i) {
    const double value = golden.data()[i];
    ASSERT_NEAR(actual.data()[i], value, tolerance.absolute + tolerance.relative * std::abs(value))
        << "element " << i;
  }
}

}  // namespace recurra::test
