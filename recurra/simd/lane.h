/// What every vector class of this folder offers, and the one header the rest of a target's code includes.
///
/// A target is one build of the kernels and cells for one instruction set. All of its code lives in
/// `recurra::RECURRA_TARGET_NAME`, a namespace of its own, and uses nothing of the standard library but
/// plain types: an inline function shared with another target would be one symbol, and the linker might
/// keep the copy that an older processor cannot run.
#pragma once

#include "recurra/base/platform.h"

#if !defined(RECURRA_TARGET_NAME)
#error "target code is compiled by engine/dispatch/target.cpp alone"
#endif

#if defined(RECURRA_TARGET_AVX512)
#include "recurra/simd/avx512.h"
#elif defined(RECURRA_TARGET_AVX2)
#include "recurra/simd/avx2.h"
#else
#include "recurra/simd/scalar.h"
#endif

namespace recurra::RECURRA_TARGET_NAME {

/// A vector of `width` floats and the number of such registers the target has, which chooses the tiles.
///
/// Members: `V(float)` broadcast, `V::zero()`, `V::load(p)`, `V::load(p, mask)` (the rest is 0), `store(p)`,
/// `store(p, mask)`; `V::first(n)` the mask of the first n lanes (n <= 0 none, n >= width all); `+ - * /`,
/// `fma(a, b, c)` = a * b + c (two roundings where the platform has no fused form), `min max abs`, `round`,
/// `scale2(a, n)` = a * 2^n, `where_less(a, b, x, y)` = a < b ? x : y. `min(a,
/// b)` and `max(a, b)` return b where one operand is NaN: write the constant first and NaN passes through.
template <class V>
concept Lane = requires(V v, float* p, int n) {
  {V::width};
  {V::registers};
  {V::load(p, V::first(n))};
  {v.store(p, V::first(n))};
  {fma(v, v, v)};
};

static_assert(Lane<Vec>);

/// Has a vector of half the width, V::Half, a lane too, and x.half(): worth it where a vector is wide.
template <class V>
concept Halved = requires(V v) {
  { v.half() } -> Lane;
};

/// The sum of the first `count` lanes, always in the same order: halves are added to halves.
template <Lane V>
RECURRA_INLINE float sum(V x, int count) {
  alignas(cache_line) float lane[V::width];
  V::zero().store(lane);
  x.store(lane, V::first(count));
  RECURRA_UNROLL
  for (int half = V::width / 2; half > 0; half /= 2) {
    RECURRA_UNROLL
    for (int i = 0; i < half; ++i) lane[i] += lane[i + half];
  }
  return lane[0];
}

}  // namespace recurra::RECURRA_TARGET_NAME
