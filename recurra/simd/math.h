/// tanh and sigmoid over any lane, as one rational function.
///
///   tanh(x) = x * P(x^2) / Q(x^2),  sigmoid(x) = 1/2 + 1/2 * tanh(x / 2)
///
/// P and Q have degree 4, fitted to the smallest largest relative error on [0, 7.9] (5.7e-9 before rounding);
/// from there on tanh is constant to 2e-7. Largest error in f32 arithmetic: 3.6e-7 for tanh, 2e-7 for
/// sigmoid, absolute and for tanh also relative. NaN gives NaN, infinities the limits.
#pragma once

#include "recurra/simd/lane.h"

namespace recurra::RECURRA_TARGET_NAME {

/// tanh(x) as numerator and denominator: cells share one division among several of them. 1 <= q < 230.
template <Lane V>
struct Ratio {
  V p;
  V q;
};

template <Lane V>
RECURRA_INLINE Ratio<V> tanh_ratio(V x) {
  x = min(V(7.9F), max(V(-7.9F), x));  // constants first: NaN passes
  const V u = x * x;
  V p = fma(u, V(1.54281832e-08F), V(2.20233942e-05F));
  p = fma(p, u, V(3.57900094e-03F));
  p = fma(p, u, V(1.34506285e-01F));
  p = fma(p, u, V(1.0F));
  V q = fma(u, V(8.59886484e-07F), V(3.42366518e-04F));
  q = fma(q, u, V(2.61922721e-02F));
  q = fma(q, u, V(4.67839569e-01F));
  q = fma(q, u, V(1.0F));
  return {p * x, q};
}

template <Lane V>
RECURRA_INLINE V tanh(V x) {
  const Ratio<V> r = tanh_ratio(x);
  return r.p / r.q;
}

template <Lane V>
RECURRA_INLINE V sigmoid(V x) {
  return fma(V(0.5F), tanh(V(0.5F) * x), V(0.5F));
}

}  // namespace recurra::RECURRA_TARGET_NAME
