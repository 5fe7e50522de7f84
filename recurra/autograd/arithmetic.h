/// Functions of two variables, element by element, with numpy's broadcasting: shapes are aligned at the last
/// axis, and an extent of 1, or a missing one, goes with any. All throw Error (shape) where extents differ
/// otherwise, Error (dtype) unless elements are f32, Error (invalid_argument) for an empty variable. `name`
/// becomes the result's and stands in errors.
#pragma once

#include "recurra/autograd/variable.h"

namespace recurra::autograd {

/// a + b.
[[nodiscard]] RECURRA_API Variable add(const Variable& a, const Variable& b, std::string_view name = {});

/// a - b.
[[nodiscard]] RECURRA_API Variable subtract(const Variable& a, const Variable& b, std::string_view name = {});

/// a * b, element by element.
[[nodiscard]] RECURRA_API Variable multiply(const Variable& a, const Variable& b, std::string_view name = {});

/// a / b.
[[nodiscard]] RECURRA_API Variable divide(const Variable& a, const Variable& b, std::string_view name = {});

/// a to the power of b. The gradient of b is 0 where a is not above 0.
[[nodiscard]] RECURRA_API Variable pow(const Variable& a, const Variable& b, std::string_view name = {});

/// The larger of both; where they are equal, a has the gradient.
[[nodiscard]] RECURRA_API Variable maximum(const Variable& a, const Variable& b, std::string_view name = {});

/// The smaller of both; where they are equal, a has the gradient.
[[nodiscard]] RECURRA_API Variable minimum(const Variable& a, const Variable& b, std::string_view name = {});

/// 1 where a < b, else 0, in u8: without a gradient.
[[nodiscard]] RECURRA_API Variable less(const Variable& a, const Variable& b, std::string_view name = {});

/// 1 where a <= b, else 0, in u8: without a gradient.
[[nodiscard]] RECURRA_API Variable less_equal(const Variable& a,
                                              const Variable& b,
                                              std::string_view name = {});

/// 1 where a = b, else 0, in u8: without a gradient.
[[nodiscard]] RECURRA_API Variable equal(const Variable& a, const Variable& b, std::string_view name = {});

/// A number as a variable of shape ().
[[nodiscard]] RECURRA_API Variable scalar(float value);

/// add(a, b).
[[nodiscard]] inline Variable operator+(const Variable& a, const Variable& b) {
  return add(a, b);
}

/// add, b a number.
[[nodiscard]] inline Variable operator+(const Variable& a, float b) {
  return add(a, scalar(b));
}

/// add, a a number.
[[nodiscard]] inline Variable operator+(float a, const Variable& b) {
  return add(scalar(a), b);
}

/// subtract(a, b).
[[nodiscard]] inline Variable operator-(const Variable& a, const Variable& b) {
  return subtract(a, b);
}

/// subtract, b a number.
[[nodiscard]] inline Variable operator-(const Variable& a, float b) {
  return subtract(a, scalar(b));
}

/// subtract, a a number.
[[nodiscard]] inline Variable operator-(float a, const Variable& b) {
  return subtract(scalar(a), b);
}

/// multiply(a, b).
[[nodiscard]] inline Variable operator*(const Variable& a, const Variable& b) {
  return multiply(a, b);
}

/// multiply, b a number.
[[nodiscard]] inline Variable operator*(const Variable& a, float b) {
  return multiply(a, scalar(b));
}

/// multiply, a a number.
[[nodiscard]] inline Variable operator*(float a, const Variable& b) {
  return multiply(scalar(a), b);
}

/// divide(a, b).
[[nodiscard]] inline Variable operator/(const Variable& a, const Variable& b) {
  return divide(a, b);
}

/// divide, b a number.
[[nodiscard]] inline Variable operator/(const Variable& a, float b) {
  return divide(a, scalar(b));
}

/// divide, a a number.
[[nodiscard]] inline Variable operator/(float a, const Variable& b) {
  return divide(scalar(a), b);
}

/// a to the power of a number.
[[nodiscard]] inline Variable pow(const Variable& a, float exponent, std::string_view name = {}) {
  return pow(a, scalar(exponent), name);
}

}  // namespace recurra::autograd
