/// Loops over the elements of several arrays at once, each with strides of its own: what broadcasting,
/// permuting, slicing and sums over axes have in common.
///
/// Private to the library.
#pragma once

#include <array>
#include <span>
#include <string>

#include "recurra/base/error.h"
#include "recurra/base/shape.h"

namespace recurra::autograd {

/// Most axes of a tensor here.
inline constexpr int most_axes = 16;

using Strides = std::array<i64, most_axes>;

/// Elements from one place along an axis to the next in a dense tensor. Throws Error (shape) where it has
/// more than most_axes axes.
[[nodiscard]] inline Strides dense_strides(const Shape& shape) {
  if (shape.rank() > most_axes) {
    throw Error(ErrorCode::shape, "tensor", "at most 16 axes", shape.to_string());
  }
  Strides strides{};
  i64 stride = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    strides[static_cast<std::size_t>(axis)] = stride;
    stride *= shape[axis];
  }
  return strides;
}

/// N arrays walked together. Axes of one place are left out, and neighbours made one where all arrays allow.
template <int N>
struct Loops {
  int rank = 0;
  std::array<i64, most_axes> extent{};
  std::array<std::array<i64, N>, most_axes> stride{};

  Loops(const Shape& shape, const std::array<Strides, N>& strides) {
    for (int axis = 0; axis < shape.rank(); ++axis) {
      if (shape[axis] == 1) continue;
      std::array<i64, N> own;
      for (std::size_t n = 0; n < N; ++n) own[n] = strides[n][static_cast<std::size_t>(axis)];
      push(shape[axis], own);
    }
    if (rank == 0) push(1, {});
  }

 private:
  void push(i64 count, const std::array<i64, N>& own) {
    if (rank > 0) {
      const auto last = static_cast<std::size_t>(rank - 1);
      bool merges = true;
      for (std::size_t n = 0; n < N; ++n) merges = merges && stride[last][n] == own[n] * count;
      if (merges) {
        extent[last] *= count;
        stride[last] = own;
        return;
      }
    }
    extent[static_cast<std::size_t>(rank)] = count;
    stride[static_cast<std::size_t>(rank)] = own;
    ++rank;
  }
};

/// Calls run(places, count, strides) for every run along the innermost axis, in order: the first element of
/// each array, and from there `count` elements `strides` apart.
template <int N, class Run>
void for_each_run(const Loops<N>& loops, const Run& run) {
  const auto inner = static_cast<std::size_t>(loops.rank - 1);
  for (std::size_t axis = 0; axis <= inner; ++axis) {
    if (loops.extent[axis] == 0) return;
  }
  std::array<i64, most_axes> index{};
  std::array<i64, N> place{};
  while (true) {
    run(place, loops.extent[inner], loops.stride[inner]);
    std::size_t axis = inner;
    while (axis > 0) {
      --axis;
      for (std::size_t n = 0; n < N; ++n) place[n] += loops.stride[axis][n];
      if (++index[axis] < loops.extent[axis]) break;
      for (std::size_t n = 0; n < N; ++n) place[n] -= loops.stride[axis][n] * loops.extent[axis];
      index[axis] = 0;
      if (axis == 0) return;
    }
    if (inner == 0) return;
  }
}

/// The sum of f(0) to f(count - 1): sixteen chains of additions, then these in pairs. The order depends on
/// `count` alone.
template <class F>
[[nodiscard]] float sum_of(i64 count, const F& f) {
  constexpr i64 chains = 16;
  std::array<float, chains> sum{};
  i64 i = 0;
  for (; i + chains <= count; i += chains) {
    for (i64 k = 0; k < chains; ++k) sum[static_cast<std::size_t>(k)] += f(i + k);
  }
  for (i64 k = 0; i < count; ++i, ++k) sum[static_cast<std::size_t>(k)] += f(i);
  for (i64 half = chains / 2; half > 0; half /= 2) {
    for (i64 k = 0; k < half; ++k)
      sum[static_cast<std::size_t>(k)] += sum[static_cast<std::size_t>(k + half)];
  }
  return sum[0];
}

/// The extents two shapes have together by numpy's rule: aligned at the last axis, an extent of 1 or a
/// missing one goes with any. Throws Error (shape) with `subject`.
[[nodiscard]] Shape broadcast(const Shape& a, const Shape& b, const std::string& subject);

/// Strides of a dense tensor of shape `own` along the axes of `whole`, to which it is broadcast: 0 where it
/// is repeated.
[[nodiscard]] Strides broadcast_strides(const Shape& own, const Shape& whole);

}  // namespace recurra::autograd
