/// Activations by name, and applied to whole arrays on the target's kernels.
#pragma once

#include <span>
#include <string_view>

#include "recurra/base/activation.h"
#include "recurra/engine/dispatch/dispatch.h"

namespace recurra {

/// The activation called `name` with its usual numbers (Keras's): tanh, relu, hard_sigmoid (1/6, 1/2),
/// leaky_relu (0.2), relu6, swish = silu, …. Throws Error (unsupported) with `subject`, naming all.
[[nodiscard]] RECURRA_API Activation parse_activation(std::string_view name, const char* subject);

/// The name of a kind.
[[nodiscard]] RECURRA_API const char* name_of(ActivationKind kind) noexcept;

/// Throws Error (invalid_argument) with `subject` where alpha or beta is not finite, or alpha is out of the
/// range in which the slope follows from the value: leaky_relu and elu need alpha >= 0, clipped_relu > 0.
RECURRA_API void check_activation(const Activation& activation, const char* subject);

/// y[i] = activation(x[i]); y may be x. Both of one length.
RECURRA_API void activate(const Activation& activation,
                          std::span<const float> x,
                          std::span<float> y,
                          const Target& target = active_target()) noexcept;

/// dx[i] = dy[i] * slope at x[i], whose value is y[i]; dx may be dy. All of one length.
RECURRA_API void activation_gradient(const PointwiseGradientArgs& arrays,
                                     const Target& target = active_target()) noexcept;

}  // namespace recurra
