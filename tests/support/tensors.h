/// Tensors of given numbers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "recurra/base/tensor.h"

namespace recurra::test {

/// As many as `shape` has.
inline Tensor floats(Shape shape, const std::vector<float>& values) {
  Tensor tensor(std::move(shape));
  std::ranges::copy(values, tensor.data());
  return tensor;
}

/// The same of integers of 32 bits.
inline Tensor integers(Shape shape, const std::vector<int>& values) {
  Tensor tensor(std::move(shape), Dtype::i32);
  std::ranges::copy(values, tensor.as<std::int32_t>().begin());
  return tensor;
}

}  // namespace recurra::test
