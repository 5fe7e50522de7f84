#include "recurra/cli/tensor_statistics.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace recurra::cli {

namespace {

template <class T>
TensorStatistics over(std::span<const T> values) {
  TensorStatistics found;
  double sum = 0.0;
  for (const T element : values) {
    const auto value = static_cast<double>(element);
    if (!std::isfinite(value)) {
      ++found.not_finite;
      continue;
    }
    found.least = found.finite == 0 ? value : std::min(found.least, value);
    found.most = found.finite == 0 ? value : std::max(found.most, value);
    ++found.finite;
    sum += value;
  }
  if (found.finite > 0) found.mean = sum / static_cast<double>(found.finite);
  return found;
}

}  // namespace

TensorStatistics statistics_of(const Tensor& tensor) {
  switch (tensor.dtype()) {
    case Dtype::f32:
      return over(tensor.as<float>());
    case Dtype::u8:
      return over(tensor.as<std::uint8_t>());
    case Dtype::i32:
      return over(tensor.as<std::int32_t>());
    case Dtype::i64:
      return over(tensor.as<std::int64_t>());
  }
  return {};
}

}  // namespace recurra::cli
