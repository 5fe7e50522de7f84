/// Every activation of base/activation.h and its slope over any lane.
///
/// A `switch` on the run-time value is predicted; what it costs is one indirect jump a vector.
#pragma once

#include "recurra/base/activation.h"
#include "recurra/simd/math.h"

namespace recurra::RECURRA_TARGET_NAME {

/// Whether the slope needs the argument; the others' follows from the value. Both cases keep one number a
/// unit for the way back.
constexpr bool keeps_argument(ActivationKind kind) {
  return kind >= ActivationKind::silu;
}

inline constexpr float selu_scale = 1.05070098F;
inline constexpr float selu_alpha = 1.67326324F;

/// exp(x) - 1 for x up to 0. Close to 0 the difference would leave nothing, not even the sign.
template <Lane V>
RECURRA_INLINE V expm1_below_zero(V x) {
  const V series = x * fma(x, fma(x, V(1.0F / 6.0F), V(0.5F)), V(1.0F));
  return where_less(x, V(-0.01F), exp(x) - V(1.0F), series);
}

/// From 0 up x, below it alpha (exp(x) - 1).
template <Lane V>
RECURRA_INLINE V elu(V x, float alpha) {
  return where_less(x, V::zero(), V(alpha) * expm1_below_zero(min(V::zero(), x)), x);
}

template <Lane V>
RECURRA_INLINE V softplus(V x) {
  return max(V::zero(), x) + log1p_of_unit(exp(V::zero() - abs(x)));
}

/// tanh(softplus(x)): with e = exp(x), (e^2 + 2 e) / (e^2 + 2 e + 2); constant 1 from 20 on.
template <Lane V>
RECURRA_INLINE V tanh_softplus(V x) {
  const V e = exp(min(V(20.0F), x));
  const V p = e * (e + V(2.0F));
  return p / (p + V(2.0F));
}

/// 1 / (1 + exp(-x)) with its relative accuracy kept where it is small, which a product with x shows.
template <Lane V>
RECURRA_INLINE V precise_sigmoid(V x) {
  return V(1.0F) / (V(1.0F) + exp(V::zero() - x));
}

template <Lane V>
RECURRA_INLINE V silu(V x) {
  x = max(V(-105.0F), x);  // from there down it is 0; infinity times 0 would be none
  return x * precise_sigmoid(x);
}

template <Lane V>
RECURRA_INLINE V clip(V low, V high, V x) {
  return min(high, max(low, x));
}

template <Lane V>
RECURRA_INLINE V normal_distribution(V x) {
  return fma(V(0.5F), erf(x * V(0.707106781F)), V(0.5F));
}

template <Lane V>
RECURRA_INLINE V activate(const Activation& a, V x) {
  const V zero = V::zero();
  const V one(1.0F);
  switch (a.kind) {
    case ActivationKind::linear:
      return x;
    case ActivationKind::affine:
      return fma(V(a.alpha), x, V(a.beta));
    case ActivationKind::tanh:
      return tanh(x);
    case ActivationKind::scaled_tanh:
      return V(a.alpha) * tanh(V(a.beta) * x);
    case ActivationKind::sigmoid:
      return sigmoid(x);
    case ActivationKind::hard_sigmoid:
      return clip(zero, one, fma(V(a.alpha), x, V(a.beta)));
    case ActivationKind::relu:
      return max(zero, x);
    case ActivationKind::clipped_relu:
      return clip(zero, V(a.alpha), x);
    case ActivationKind::leaky_relu:
      return where_less(x, zero, V(a.alpha) * x, x);
    case ActivationKind::thresholded_relu:
      return where_less(V(a.alpha), x, x, min(zero, max(zero, x)));  // 0, or the NaN of x
    case ActivationKind::elu:
      return elu(x, a.alpha);
    case ActivationKind::selu:
      return V(selu_scale) * elu(x, selu_alpha);
    case ActivationKind::softplus:
      return softplus(x);
    case ActivationKind::softsign:
      return x / (one + abs(x));
    case ActivationKind::exponential:
      return exp(x);
    case ActivationKind::log_sigmoid:
      return zero - softplus(zero - x);
    case ActivationKind::silu:
      return silu(x);
    case ActivationKind::hard_silu:
      x = max(V(-3.0F), x);  // from there down it is 0
      return x * clip(zero, one, fma(x, V(1.0F / 6.0F), V(0.5F)));
    case ActivationKind::mish:
      x = max(V(-105.0F), x);  // from there down it is 0; infinity times 0 would be none
      return x * tanh_softplus(x);
    case ActivationKind::gelu:
      return x * normal_distribution(x);
  }
  __builtin_unreachable();
}

/// The derivative where the value is y and, if the kind keeps it, the argument x.
template <Lane V>
RECURRA_INLINE V slope(const Activation& a, V x, V y) {
  const V zero = V::zero();
  const V one(1.0F);
  switch (a.kind) {
    case ActivationKind::linear:
      return one;
    case ActivationKind::affine:
      return V(a.alpha);
    case ActivationKind::tanh:
      return one - y * y;
    case ActivationKind::scaled_tanh:
      // beta (alpha - y^2 / alpha); 0 for alpha 0, whose value is 0 everywhere.
      return a.alpha == 0.0F ? zero : V(a.beta) * (V(a.alpha) - y * y * V(1.0F / a.alpha));
    case ActivationKind::sigmoid:
      return y * (one - y);
    case ActivationKind::hard_sigmoid:
      return where_less(zero, y, where_less(y, one, V(a.alpha), zero), zero);
    case ActivationKind::relu:
      return where_less(zero, y, one, zero);
    case ActivationKind::clipped_relu:
      return where_less(zero, y, where_less(y, V(a.alpha), one, zero), zero);
    case ActivationKind::leaky_relu:
      return where_less(zero, y, one, V(a.alpha));
    case ActivationKind::thresholded_relu:
      return where_less(zero, abs(y), one, zero);
    case ActivationKind::elu:
      return where_less(zero, y, one, y + V(a.alpha));
    case ActivationKind::selu:
      return where_less(zero, y, V(selu_scale), y + V(selu_scale * selu_alpha));
    case ActivationKind::softplus:
      return one - exp(zero - y);
    case ActivationKind::softsign:
      return (one - abs(y)) * (one - abs(y));
    case ActivationKind::exponential:
      return y;
    case ActivationKind::log_sigmoid:
      return one - exp(y);
    case ActivationKind::silu: {
      const V s = precise_sigmoid(x);
      return fma(y, one - s, s);
    }
    case ActivationKind::hard_silu:
      return where_less(x, V(-3.0F), zero, where_less(V(3.0F), x, one, fma(x, V(1.0F / 3.0F), V(0.5F))));
    case ActivationKind::mish: {
      x = max(V(-105.0F), x);
      const V t = tanh_softplus(x);
      return fma(x * (one - t * t), precise_sigmoid(x), t);
    }
    case ActivationKind::gelu:
      return fma(x * V(0.39894228F), exp(x * x * V(-0.5F)), normal_distribution(x));
  }
  __builtin_unreachable();
}

}  // namespace recurra::RECURRA_TARGET_NAME
