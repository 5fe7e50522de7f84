#include "recurra/autograd/loops.h"

#include <algorithm>

namespace recurra::autograd {

namespace {

// The extent of the axis `behind` places before the last; 1 where there is none.
i64 extent_from_last(const Shape& shape, int behind) {
  return behind < shape.rank() ? shape[shape.rank() - 1 - behind] : 1;
}

}  // namespace

Shape broadcast(const Shape& a, const Shape& b, const std::string& subject) {
  const int rank = std::max(a.rank(), b.rank());
  Shape whole(std::vector<i64>(static_cast<std::size_t>(rank), 1));
  for (int behind = 0; behind < rank; ++behind) {
    const i64 x = extent_from_last(a, behind);
    const i64 y = extent_from_last(b, behind);
    if (x != y && x != 1 && y != 1) {
      throw Error(ErrorCode::shape,
                  subject,
                  "shapes of equal extents, or 1 or none, from the last axis on",
                  a.to_string() + " and " + b.to_string());
    }
    whole[rank - 1 - behind] = x == 1 ? y : x;
  }
  return whole;
}

Strides broadcast_strides(const Shape& own, const Shape& whole) {
  const Strides dense = dense_strides(own);
  static_cast<void>(dense_strides(whole));
  Strides strides{};
  for (int behind = 0; behind < own.rank(); ++behind) {
    const int axis = own.rank() - 1 - behind;
    const auto at = static_cast<std::size_t>(whole.rank() - 1 - behind);
    strides[at] = own[axis] == 1 ? 0 : dense[static_cast<std::size_t>(axis)];
  }
  return strides;
}

}  // namespace recurra::autograd
