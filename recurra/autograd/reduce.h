/// Sums, means and extremes over axes. All throw Error: dtype unless elements are f32, invalid_argument for
/// an empty variable, an axis out of range or named twice. `name` becomes the result's and stands in errors.
#pragma once

#include <vector>

#include "recurra/autograd/variable.h"

namespace recurra::autograd {

/// Which axes go; from the end where negative.
struct Over {
  std::vector<int> axes = {};  ///< empty: all
  bool keepdims = false;       ///< they stay with extent 1
};

/// Over no place: 0.
[[nodiscard]] RECURRA_API Variable sum(const Variable& x, const Over& over = {}, std::string_view name = {});

/// Over no place: NaN.
[[nodiscard]] RECURRA_API Variable mean(const Variable& x, const Over& over = {}, std::string_view name = {});

/// The largest; several that are equal share the gradient. NaN where there is one. Throws Error (shape) over
/// no place.
[[nodiscard]] RECURRA_API Variable max(const Variable& x, const Over& over = {}, std::string_view name = {});

/// The smallest, in the same way.
[[nodiscard]] RECURRA_API Variable min(const Variable& x, const Over& over = {}, std::string_view name = {});

}  // namespace recurra::autograd
