/// Sequences of operations in their formats.
#pragma once

#include <vector>

#include "recurra/base/tensor.h"
#include "recurra/ops/sequence_format.h"

namespace recurra::test {

/// (steps, batch, width) in another format.
inline Tensor in_format(ops::SequenceFormat format, const Tensor& tns) {
  const i64 steps = tns.shape()[0], batch = tns.shape()[1], width = tns.shape()[2];
  const bool nst = format == ops::SequenceFormat::nst;
  if (!nst && format != ops::SequenceFormat::nts) return tns;
  Tensor tensor(nst ? Shape{batch, width, steps} : Shape{batch, steps, width});
  const float* from = tns.data();
  for (i64 t = 0; t < steps; ++t) {
    for (i64 n = 0; n < batch; ++n) {
      for (i64 k = 0; k < width; ++k)
        tensor.data()[nst ? (n * width + k) * steps + t : (n * steps + t) * width + k] = *from++;
    }
  }
  return tensor;
}

inline std::vector<float> values_of(const Tensor& tensor) {
  return {tensor.data(), tensor.data() + tensor.size()};
}

}  // namespace recurra::test
