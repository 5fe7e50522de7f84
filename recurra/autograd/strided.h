/// Results that are elements of their argument at other places: all that shapes.h has but reshape.
///
/// Private to the library.
#pragma once

#include "recurra/autograd/call.h"
#include "recurra/autograd/loops.h"

namespace recurra::autograd {

/// Elements of a tensor at offset + the sum of index times stride over the axes of `shape`. A stride of 0
/// repeats, one below 0 goes backward.
struct StridedView {
  i64 offset = 0;
  Shape shape;
  Strides strides{};
};

/// The elements of a view of x, in order.
[[nodiscard]] Variable view_of(const Called& called, const Variable& x, StridedView view);

/// Copies the elements of a view of `from` to `to`, in order.
template <class T>
void read_view(const StridedView& view, const T* from, T* to) {
  const Loops<2> loops(view.shape, {dense_strides(view.shape), view.strides});
  for_each_run(loops, [&](const auto& place, i64 count, const auto& stride) {
    const T* const at = from + view.offset + place[1];
    T* const out = to + place[0];
    if (stride[1] == 1) {
      for (i64 i = 0; i < count; ++i) out[i] = at[i];
    } else {
      for (i64 i = 0; i < count; ++i) out[i] = at[i * stride[1]];
    }
  });
}

/// Adds `from`, in order, to the elements of a view of `to`.
void add_to_view(const StridedView& view, const float* from, float* to);

}  // namespace recurra::autograd
