/// The activations of base/activation.h from their formulas, over double, a dual number or
/// one that is traced.
#pragma once

#include <cmath>

#include "recurra/base/activation.h"
#include "tests/reference/dual.h"
#include "tests/reference/traced.h"

namespace recurra::reference {

inline double value_of(double x) {
  return x;
}

template <int N>
double value_of(const Dual<N>& x) {
  return x.value;
}

inline double value_of(const Traced& x) {
  return x.value;
}

/// x where it lies between low and high, else that bound.
template <class T>
T clip(const T& x, double low, double high) {
  return value_of(x) < low ? T(low) : value_of(x) > high ? T(high) : x;
}

template <class T>
T activate(const Activation& a, const T& x) {
  using std::abs;
  using std::erf;
  using std::exp;
  using std::log1p;
  using std::tanh;
  const double alpha = a.alpha;
  const double beta = a.beta;
  const auto sigmoid = [](const T& z) {
    return T(1.0) / (T(1.0) + exp(-z));
  };
  const auto softplus = [](const T& z) {
    return value_of(z) > 0 ? z + log1p(exp(-z)) : log1p(exp(z));
  };
  const bool negative = value_of(x) < 0;
  switch (a.kind) {
    case ActivationKind::linear:
      return x;
    case ActivationKind::affine:
      return alpha * x + beta;
    case ActivationKind::tanh:
      return tanh(x);
    case ActivationKind::scaled_tanh:
      return alpha * tanh(beta * x);
    case ActivationKind::sigmoid:
      return sigmoid(x);
    case ActivationKind::hard_sigmoid:
      return clip<T>(alpha * x + beta, 0, 1);
    case ActivationKind::relu:
      return negative ? T(0.0) : x;
    case ActivationKind::clipped_relu:
      return clip(x, 0, alpha);
    case ActivationKind::leaky_relu:
      return negative ? alpha * x : x;
    case ActivationKind::thresholded_relu:
      return value_of(x) > alpha ? x : T(0.0);
    case ActivationKind::elu:
      return negative ? alpha * (exp(x) - T(1.0)) : x;
    case ActivationKind::selu:
      return 1.0507009873554805 * (negative ? 1.6732632423543772 * (exp(x) - T(1.0)) : x);
    case ActivationKind::softplus:
      return softplus(x);
    case ActivationKind::softsign:
      return x / (T(1.0) + abs(x));
    case ActivationKind::exponential:
      return exp(x);
    case ActivationKind::log_sigmoid:
      return -softplus(-x);
    case ActivationKind::silu:
      return x * sigmoid(x);
    case ActivationKind::hard_silu:
      return x * clip<T>(x / 6.0 + 0.5, 0, 1);
    case ActivationKind::mish:
      return x * tanh(softplus(x));
    case ActivationKind::gelu:
      return x * (T(0.5) + 0.5 * erf(x / 1.4142135623730951));
  }
  return T(NAN);
}

}  // namespace recurra::reference
