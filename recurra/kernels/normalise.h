/// Layer normalisation of a row: its mean and deviation, and sums on the way back, in one fixed order.
///
/// The row lies in blocks of `Count` vectors, `stride` floats apart; a block has one vector's units, and of
/// the last only the first lanes are units, the rest is padding and never counts. Each vector of the block
/// has a chain of adds of its own; at the end chains are added in order, then lanes in pairs.
#pragma once

#include "recurra/simd/lane.h"

namespace recurra::RECURRA_TARGET_NAME {

/// Added to the variance before the root.
inline constexpr float variance_floor = 1e-5F;

/// Of a row: the mean, 1 / sqrt(variance + variance_floor), and what the mean lacks for being a float, as an
/// addend to what was normalised with it.
struct Moments {
  float mean;
  float inverse;
  float rest;
};

/// (x - mean) / deviation.
template <Lane V>
RECURRA_INLINE V normalise(V x, const Moments& m) {
  return fma(x - V(m.mean), V(m.inverse), V(m.rest));
}

/// The first lanes of x, the rest 0.
template <Lane V>
RECURRA_INLINE V first_lanes(V x, int count) {
  if (count >= V::width) return x;
  alignas(cache_line) float lanes[V::width];
  x.store(lanes);
  return V::load(lanes, V::first(count));
}

/// A sum over a row.
template <Lane V, int Count>
struct RowSum {
  V chain[Count];

  RECURRA_INLINE RowSum() {
    RECURRA_UNROLL
    for (int k = 0; k < Count; ++k) chain[k] = V::zero();
  }

  [[nodiscard]] RECURRA_INLINE float total() const {
    V sum = chain[0];
    RECURRA_UNROLL
    for (int k = 1; k < Count; ++k) sum = sum + chain[k];
    alignas(cache_line) float lanes[V::width];
    sum.store(lanes);
    for (int half = V::width / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
    }
    return lanes[0];
  }
};

/// Mean and deviation of `Count` numbers of each of `units`, in two passes, the second around the mean of the
/// first: however large the mean is beside the deviation, it costs no digits.
template <Lane V, int Count>
[[gnu::noinline]] Moments row_moments(const float* row, i64 stride, int units) {
  const int whole = units / V::width;
  const int rest = units % V::width;
  const auto numbers = static_cast<float>(units * Count);
  RowSum<V, Count> sum;
  for (int block = 0; block < whole; ++block) {
    RECURRA_UNROLL
    for (int k = 0; k < Count; ++k)
      sum.chain[k] = sum.chain[k] + V::load(row + block * stride + k * V::width);
  }
  const float* last = row + whole * stride;
  RECURRA_UNROLL
  for (int k = 0; rest > 0 && k < Count; ++k)
    sum.chain[k] = sum.chain[k] + V::load(last + k * V::width, V::first(rest));
  const float mean_of_sum = sum.total() / numbers;
  const V mean(mean_of_sum);

  RowSum<V, Count> difference, square;
  for (int block = 0; block < whole; ++block) {
    RECURRA_UNROLL
    for (int k = 0; k < Count; ++k) {
      const V d = V::load(row + block * stride + k * V::width) - mean;
      difference.chain[k] = difference.chain[k] + d;
      square.chain[k] = fma(d, d, square.chain[k]);
    }
  }
  RECURRA_UNROLL
  for (int k = 0; rest > 0 && k < Count; ++k) {
    const V d = first_lanes(V::load(last + k * V::width) - mean, rest);
    difference.chain[k] = difference.chain[k] + d;
    square.chain[k] = fma(d, d, square.chain[k]);
  }
  const float lack = difference.total() / numbers;
  // Of equal numbers both terms are rounded alike at best: what is left may lie below zero. NaN stays.
  const float rounded = square.total() / numbers - lack * lack;
  const float variance = rounded < 0 ? 0.0F : rounded;
  const float inverse = 1.0F / __builtin_sqrtf(variance + variance_floor);
  return {mean_of_sum, inverse, -lack * inverse};
}

/// The way back: with d the gradient of the normalised n, that of what was normalised is
///   (d - mean(d) - n * mean(d * n)) / deviation.
template <Lane V, int Count>
struct NormaliseBackward {
  RowSum<V, Count> d, d_n;

  RECURRA_INLINE void add(int k, V gradient, V normal) {
    d.chain[k] = d.chain[k] + gradient;
    d_n.chain[k] = fma(gradient, normal, d_n.chain[k]);
  }
};

/// The two means, once all of the row is added.
struct MeanGradients {
  float d;
  float d_n;
};

template <Lane V, int Count>
RECURRA_INLINE MeanGradients means_of(const NormaliseBackward<V, Count>& sums, int units) {
  const auto numbers = static_cast<float>(units * Count);
  return {sums.d.total() / numbers, sums.d_n.total() / numbers};
}

template <Lane V>
RECURRA_INLINE V normalise_backward(V gradient, V normal, const Moments& m, const MeanGradients& means) {
  return (gradient - fma(normal, V(means.d_n), V(means.d))) * V(m.inverse);
}

}  // namespace recurra::RECURRA_TARGET_NAME
