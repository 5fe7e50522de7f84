/// The same elements in other shapes and orders. Axes count from 0, or from the end where negative. All throw
/// Error (invalid_argument) for an empty variable or an axis out of range. Elements of any kind, unless it is
/// said. `name` becomes the result's and stands in errors.
#pragma once

#include <span>
#include <vector>

#include "recurra/autograd/variable.h"

namespace recurra::autograd {

/// The elements in order under another shape, of which one extent may be -1: what is left for it. Throws
/// Error (shape) where the counts differ.
[[nodiscard]] RECURRA_API Variable reshape(const Variable& x, const Shape& shape, std::string_view name = {});

/// Axis k of the result is axis `axes[k]` of x. Throws Error (invalid_argument) unless each is there once.
[[nodiscard]] RECURRA_API Variable permute(const Variable& x,
                                           std::span<const int> axes,
                                           std::string_view name = {});

/// The same of a list: permute(x, {1, 0, 2}).
[[nodiscard]] inline Variable permute(const Variable& x,
                                      std::initializer_list<int> axes,
                                      std::string_view name = {}) {
  return permute(x, std::span(axes.begin(), axes.size()), name);
}

/// The last two axes exchanged. Throws Error (shape) where there are fewer.
[[nodiscard]] RECURRA_API Variable transpose(const Variable& x, std::string_view name = {});

/// Without an axis of extent 1. Throws Error (shape) for another extent.
[[nodiscard]] RECURRA_API Variable squeeze(const Variable& x, int axis, std::string_view name = {});

/// With one more axis, of extent 1, which is axis `axis` of the result.
[[nodiscard]] RECURRA_API Variable expand(const Variable& x, int axis, std::string_view name = {});

/// Repeated to a shape by numpy's rule. Throws Error (shape) where an extent is neither 1 nor the shape's.
[[nodiscard]] RECURRA_API Variable broadcast_to(const Variable& x,
                                                const Shape& shape,
                                                std::string_view name = {});

/// Along `axis` the places first, first + step, … before `last`; from the end where negative, and behind the
/// end the end. With a step below 0 backward: from `first` to before `last`. Throws Error (invalid_argument)
/// for step 0.
struct SliceRange {
  i64 first = 0;
  i64 last = 0;
  i64 step = 1;
};

/// A part of x along one axis.
[[nodiscard]] RECURRA_API Variable slice(const Variable& x,
                                         int axis,
                                         const SliceRange& range,
                                         std::string_view name = {});

/// One place of an axis, which goes: of (batch, steps, features) step `index`. From the end where negative.
/// Throws Error (invalid_argument) where there is no such place.
[[nodiscard]] RECURRA_API Variable select(const Variable& x, int axis, i64 index, std::string_view name = {});

/// Backward along an axis.
[[nodiscard]] RECURRA_API Variable flip(const Variable& x, int axis, std::string_view name = {});

}  // namespace recurra::autograd
