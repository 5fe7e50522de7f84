/// Who is called: for the texts of errors, and the name of the result.
///
/// Private to the library.
#pragma once

#include <string>
#include <string_view>

#include "recurra/autograd/operation.h"
#include "recurra/base/error.h"

namespace recurra::autograd {

/// A function, and the name its caller gives the result, mostly none.
struct Called {
  const char* function;
  std::string_view name;

  /// `matmul.b`, or `gates (matmul).b`.
  [[nodiscard]] std::string subject(const char* argument) const {
    std::string text(name);
    text.append(name.empty() ? "" : " (").append(function).append(name.empty() ? "" : ")");
    return *argument == '\0' ? text : text.append(".").append(argument);
  }

  /// The value of an f32 argument. Throws Error: invalid_argument for an empty one, dtype for other elements.
  [[nodiscard]] const Tensor& value(const Variable& variable, const char* argument) const {
    const Tensor& tensor = any_value(variable, argument);
    if (tensor.dtype() != Dtype::f32)
      throw Error(ErrorCode::dtype, subject(argument), "f32", std::string(name_of(tensor.dtype())));
    return tensor;
  }

  /// The value of an argument of any elements.
  [[nodiscard]] const Tensor& any_value(const Variable& variable, const char* argument) const {
    if (variable.empty())
      throw Error(ErrorCode::invalid_argument, subject(argument), "a variable with a value", "an empty one");
    return variable.value();
  }

  /// The place of `axis`, which counts from the end where it is negative, among `rank`. Throws Error
  /// (invalid_argument).
  [[nodiscard]] int axis(int axis, int rank, const char* argument = "axis") const {
    if (axis < -rank || axis >= rank) {
      throw Error(ErrorCode::invalid_argument,
                  subject(argument),
                  std::to_string(-rank) + " to " + std::to_string(rank - 1),
                  std::to_string(axis));
    }
    return axis < 0 ? axis + rank : axis;
  }

  /// A result under its name.
  [[nodiscard]] Variable result(std::vector<Variable> inputs, Tensor value, BackwardFunction backward) const {
    Variable y = make_operation(function, std::move(inputs), std::move(value), std::move(backward));
    if (!name.empty()) y.named(name);
    return y;
  }
};

}  // namespace recurra::autograd
