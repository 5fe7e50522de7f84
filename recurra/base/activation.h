/// The pointwise functions a gate or an output can go through, as a value chosen at run time. Plain, since
/// target code includes it.
#pragma once

namespace recurra {

/// Formulas with x the argument; alpha and beta count only where they stand.
enum class ActivationKind : int {
  linear,            ///< x
  affine,            ///< alpha x + beta
  tanh,              ///< tanh(x)
  scaled_tanh,       ///< alpha tanh(beta x)
  sigmoid,           ///< 1 / (1 + exp(-x))
  hard_sigmoid,      ///< alpha x + beta, at least 0 and at most 1
  relu,              ///< x, at least 0
  clipped_relu,      ///< x, at least 0 and at most alpha
  leaky_relu,        ///< x from 0 up, alpha x below
  thresholded_relu,  ///< x above alpha, else 0
  elu,               ///< x from 0 up, alpha (exp(x) - 1) below
  selu,              ///< 1.0507 times x from 0 up, 1.0507 * 1.6733 (exp(x) - 1) below
  softplus,          ///< log(1 + exp(x))
  softsign,          ///< x / (1 + |x|)
  exponential,       ///< exp(x)
  log_sigmoid,       ///< log(sigmoid(x))
  silu,              ///< x sigmoid(x), also called swish
  hard_silu,         ///< x times (x / 6 + 1 / 2, at least 0 and at most 1), also called hard swish
  mish,              ///< x tanh(softplus(x))
  gelu,              ///< x times the normal distribution function of x
};

/// An activation with its numbers.
struct Activation {
  ActivationKind kind;
  float alpha = 0;
  float beta = 0;

  bool operator==(const Activation&) const = default;
};

}  // namespace recurra
