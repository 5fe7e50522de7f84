/// tanh and sigmoid over any lane as one rational function; exp, log1p and erf, fitted in the same way.
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

/// exp(x) = 2^n exp(r), n whole and |r| <= log(2) / 2; exp(r) to 2e-9 before rounding, relative. Largest
/// relative error 1.5e-7; 0 below -104, infinity above 88.73.
template <Lane V>
RECURRA_INLINE V exp(V x) {
  x = min(V(89.0F), max(V(-105.0F), x));
  const V n = round(x * V(1.44269504F));
  // log(2) in two parts, the first with few bits: n times it is exact.
  V r = fma(n, V(-0.693359375F), x);
  r = fma(n, V(2.12194440e-4F), r);
  V p = fma(r, V(1.383683803e-03F), V(8.374822342e-03F));
  p = fma(p, r, V(4.166822606e-02F));
  p = fma(p, r, V(1.666642009e-01F));
  p = fma(p, r, V(4.999999208e-01F));
  p = fma(p, r, V(1.0F));
  p = fma(p, r, V(1.0F));
  return scale2(p, n);
}

/// log(1 + t) for t in [0, 1], to 1e-9 before rounding, relative.
template <Lane V>
RECURRA_INLINE V log1p_of_unit(V t) {
  V p = fma(t, V(3.417285494e-03F), V(2.381576482e-01F));
  p = fma(p, t, V(1.066218680F));
  p = fma(p, t, V(1.0F));
  V q = fma(t, V(7.528733167e-02F), V(6.879365162e-01F));
  q = fma(q, t, V(1.566218549F));
  q = fma(q, t, V(1.0F));
  return t * (p / q);
}

/// The error function, odd and constant from 3.92 on; to 2e-8 before rounding, relative.
template <Lane V>
RECURRA_INLINE V erf(V x) {
  x = min(V(3.92F), max(V(-3.92F), x));
  const V u = x * x;
  V p = fma(u, V(2.050079121e-06F), V(2.848824324e-04F));
  p = fma(p, u, V(3.765625023e-03F));
  p = fma(p, u, V(5.274874881e-02F));
  p = fma(p, u, V(1.904067117e-01F));
  p = fma(p, u, V(1.128379146F));
  V q = fma(u, V(3.809161585e-05F), V(1.162536545e-03F));
  q = fma(q, u, V(1.496923404e-02F));
  q = fma(q, u, V(1.141092064e-01F));
  q = fma(q, u, V(5.020762957e-01F));
  q = fma(q, u, V(1.0F));
  return x * (p / q);
}

}  // namespace recurra::RECURRA_TARGET_NAME
