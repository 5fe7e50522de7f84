/// The activations of lstm_layer by the page's names.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "recurra/base/activation.h"
#include "recurra/base/platform.h"

namespace recurra::ops {

/// In libnd4j's order: the values are its numbers.
enum class RnnActivation {
  tanh,            ///< TANH
  relu,            ///< RELU
  sigmoid,         ///< SIGMOID
  affine,          ///< AFFINE: alpha x + beta, both to be given
  leaky_relu,      ///< LEAKY_RELU: alpha 0.01 unless given
  threshold_relu,  ///< THRESHHOLD_RELU: alpha 1 unless given
  scaled_tanh,     ///< SCALED_TAHN: alpha tanh(beta x), both to be given
  hard_sigmoid,    ///< HARD_SIGMOID: alpha 0.2, beta 0.5 unless given; libnd4j knows no others
  elu,             ///< ELU: alpha 1 unless given
  softsign,        ///< SOFTSIGN
  softplus,        ///< SOFTPLUS
};

/// By the page's name or the well spelt one (THRESHOLD_RELU, SCALED_TANH), in either case. Throws Error
/// (unsupported) with `subject`, naming all.
[[nodiscard]] RECURRA_API RnnActivation parse_rnn_activation(std::string_view name, const char* subject);

/// The engine's activation. Throws Error: unsupported for a number that is no RnnActivation; invalid_argument
/// where alpha or beta is missing, is given to a function without one, or is out of range (check_activation).
[[nodiscard]] RECURRA_API Activation activation_of(RnnActivation kind,
                                                   std::optional<float> alpha,
                                                   std::optional<float> beta,
                                                   const std::string& subject);

}  // namespace recurra::ops
