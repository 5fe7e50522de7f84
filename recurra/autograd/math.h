/// Functions of one variable, element by element. All throw Error (dtype) unless elements are f32, Error
/// (invalid_argument) for an empty variable. `name` becomes the result's and stands in errors.
#pragma once

#include "recurra/autograd/variable.h"
#include "recurra/base/activation.h"

namespace recurra::autograd {

/// -x.
[[nodiscard]] RECURRA_API Variable negate(const Variable& x, std::string_view name = {});

/// negate(x).
[[nodiscard]] inline Variable operator-(const Variable& x) {
  return negate(x);
}

/// e to the power of x: relative error 1.5e-7, 0 below -104.
[[nodiscard]] RECURRA_API Variable exp(const Variable& x, std::string_view name = {});

/// The natural logarithm.
[[nodiscard]] RECURRA_API Variable log(const Variable& x, std::string_view name = {});

/// The square root; its slope at 0 is infinite.
[[nodiscard]] RECURRA_API Variable sqrt(const Variable& x, std::string_view name = {});

/// x x.
[[nodiscard]] RECURRA_API Variable square(const Variable& x, std::string_view name = {});

/// |x|, of slope 0 at 0.
[[nodiscard]] RECURRA_API Variable abs(const Variable& x, std::string_view name = {});

/// Of an angle in radians.
[[nodiscard]] RECURRA_API Variable sin(const Variable& x, std::string_view name = {});

/// Of an angle in radians.
[[nodiscard]] RECURRA_API Variable cos(const Variable& x, std::string_view name = {});

/// 1 / x.
[[nodiscard]] RECURRA_API Variable reciprocal(const Variable& x, std::string_view name = {});

/// Any activation of the engine (base/activation.h), with its accuracy. Throws Error (invalid_argument), too,
/// for alpha or beta out of the activation's range.
[[nodiscard]] RECURRA_API Variable activate(const Variable& x,
                                            const Activation& activation,
                                            std::string_view name = {});

/// The activation of that name, as parse_activation reads it: tanh, gelu, …. Throws Error (unsupported) for
/// another name.
[[nodiscard]] RECURRA_API Variable activate(const Variable& x,
                                            std::string_view activation,
                                            std::string_view name = {});

/// The hyperbolic tangent.
[[nodiscard]] RECURRA_API Variable tanh(const Variable& x, std::string_view name = {});

/// 1 / (1 + exp(-x)).
[[nodiscard]] RECURRA_API Variable sigmoid(const Variable& x, std::string_view name = {});

/// x, at least 0; of slope 0 at 0.
[[nodiscard]] RECURRA_API Variable relu(const Variable& x, std::string_view name = {});

/// x times `factors`, a tensor of its shape that the caller has drawn: 0 where an element is dropped, 1 / (1
/// - rate) where it stays. Throws Error (shape), too, for factors of another shape.
[[nodiscard]] RECURRA_API Variable dropout(const Variable& x,
                                           const Variable& factors,
                                           std::string_view name = {});

}  // namespace recurra::autograd
