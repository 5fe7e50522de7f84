/// What there is to say of a tensor's numbers at a glance.
#pragma once

#include "recurra/base/tensor.h"

namespace recurra::cli {

/// Over the finite elements; zeros where there are none.
struct TensorStatistics {
  double least = 0.0;
  double most = 0.0;
  double mean = 0.0;
  i64 finite = 0;
  i64 not_finite = 0;
};

[[nodiscard]] TensorStatistics statistics_of(const Tensor& tensor);

}  // namespace recurra::cli
