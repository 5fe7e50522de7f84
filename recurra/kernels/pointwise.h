/// Activations of whole arrays, for layers that are nothing else.
#pragma once

#include "recurra/kernels/abi.h"
#include "recurra/simd/activations.h"

namespace recurra::RECURRA_TARGET_NAME {

/// y[i] = activation(x[i]); y may be x.
inline void pointwise(const Activation& activation, const float* x, float* y, i64 count) {
  for (i64 i = 0; i < count; i += Vec::width) {
    if (count - i >= Vec::width) {
      activate(activation, Vec::load(x + i)).store(y + i);
    } else {
      const Vec::Mask rest = Vec::first(static_cast<int>(count - i));
      activate(activation, Vec::load(x + i, rest)).store(y + i, rest);
    }
  }
}

/// dx[i] = dy[i] * slope at x[i], whose value is y[i]; dx may be dy.
inline void pointwise_gradient(const PointwiseGradientArgs& p) {
  for (i64 i = 0; i < p.count; i += Vec::width) {
    if (p.count - i >= Vec::width) {
      const Vec s = slope(*p.activation, Vec::load(p.x + i), Vec::load(p.y + i));
      (Vec::load(p.dy + i) * s).store(p.dx + i);
    } else {
      const Vec::Mask rest = Vec::first(static_cast<int>(p.count - i));
      const Vec s = slope(*p.activation, Vec::load(p.x + i, rest), Vec::load(p.y + i, rest));
      (Vec::load(p.dy + i, rest) * s).store(p.dx + i, rest);
    }
  }
}

}  // namespace recurra::RECURRA_TARGET_NAME
