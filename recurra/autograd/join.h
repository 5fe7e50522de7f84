/// Variables put together along an axis, and taken apart. Axes count from 0, or from the end where negative.
/// All throw Error: invalid_argument for an empty variable or an axis out of range, dtype unless elements are
/// f32, shape where shapes do not fit. `name` becomes the result's and stands in errors.
#pragma once

#include <span>
#include <vector>

#include "recurra/autograd/variable.h"

namespace recurra::autograd {

/// One behind the other along `axis`; of all other axes their extents are the same. Throws as above, and for
/// an empty list.
[[nodiscard]] RECURRA_API Variable concatenate(std::span<const Variable> parts,
                                               int axis,
                                               std::string_view name = {});

/// The same of a list: concatenate({x, h}, -1).
[[nodiscard]] inline Variable concatenate(std::initializer_list<Variable> parts,
                                          int axis,
                                          std::string_view name = {}) {
  return concatenate(std::span(parts.begin(), parts.size()), axis, name);
}

/// Variables of one shape as places of a new axis, which is axis `axis` of the result: steps (batch,
/// features) to (batch, steps, features) with axis 1.
[[nodiscard]] RECURRA_API Variable stack(std::span<const Variable> parts,
                                         int axis,
                                         std::string_view name = {});

/// Parts of `extents` places of `axis`, in order; these add up to its extent.
[[nodiscard]] RECURRA_API std::vector<Variable> split(const Variable& x,
                                                      int axis,
                                                      std::span<const i64> extents,
                                                      std::string_view name = {});

/// `parts` parts of equal extents.
[[nodiscard]] RECURRA_API std::vector<Variable> split(const Variable& x,
                                                      int axis,
                                                      int parts,
                                                      std::string_view name = {});

/// Every place of an axis, which goes: stack taken back.
[[nodiscard]] RECURRA_API std::vector<Variable> unstack(const Variable& x,
                                                        int axis,
                                                        std::string_view name = {});

/// The places `ids` of an axis of x, which the axes of `ids` (i32 or i64) replace: of an embedding (words,
/// features) with ids (batch, steps) the words, (batch, steps, features). Throws as above, and
/// Error (invalid_argument) for an id that is no place.
[[nodiscard]] RECURRA_API Variable gather(const Variable& x,
                                          const Variable& ids,
                                          int axis = 0,
                                          std::string_view name = {});

}  // namespace recurra::autograd
