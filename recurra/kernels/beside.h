/// Two panels of a product of one row, and a tile of another product beside them.
///
/// The first reads its weights from the second-level cache, which gives a vector in the time of two
/// multiply-adds; the other has a weight for many rows and takes what is left.
#pragma once

#include "recurra/kernels/tile.h"

namespace recurra::RECURRA_TARGET_NAME {

/// Rows of the tile beside: with the sums of two panels of 4 vectors they leave room for weights and
/// operands.
template <Lane V>
inline constexpr int beside_rows = V::registers >= 32 ? 8 : 4;

static_assert(beside_rows<Vec> <= most_beside_rows);

/// Whether a product of one row of N vectors leaves enough undone to make something beside it.
template <Lane V, int N>
inline constexpr bool has_time_beside = 4 * N >= beside_rows<V>;

/// One vector of some rows of the product beside.
template <class V>
struct BesideTile {
  static constexpr int rows = beside_rows<V>;
  V sum[rows];
  const float* a[rows];
  const float* w;
  i64 step;  // floats from one weight to the next
  int panel, vector;

  RECURRA_INLINE BesideTile(const ProductArgs& p, int number)
      : step(i64{p.vectors} * V::width),
        panel(p.first_panel + number / p.vectors),
        vector(number % p.vectors) {
    w = p.w + panel * p.w_panel + vector * V::width;
    const V start = V::load(p.lead + panel * p.lead_panel + vector * V::width);
    RECURRA_UNROLL
    for (int r = 0; r < rows; ++r) {
      sum[r] = start;
      a[r] = p.a[r] + p.a_offset;
    }
  }

  RECURRA_INLINE void multiply(i64 k) {
    const V weight = V::load(w + k * step);
    RECURRA_UNROLL
    for (int r = 0; r < rows; ++r) sum[r] = fma(V(a[r][k]), weight, sum[r]);
  }

  RECURRA_INLINE void store(const ProductArgs& p) const {
    RECURRA_UNROLL
    for (int r = 0; r < rows; ++r)
      sum[r].store(p.out[r] + p.out_offset + panel * p.out_panel + vector * V::width);
  }
};

template <class V, int N>
[[gnu::noinline]] void tile_beside(const ProductArgs& p, int row, int panel, BesideProduct& beside) {
  const ProductArgs& other = *beside.of;
  Tile<V, 1, N, 2> t;
  t.start(p, row, panel);
  BesideTile<V> b(other, beside.next++);
  const float* a = p.a[row] + p.a_offset;
  const float* w = p.w + panel * p.w_panel;
  const i64 w_panel = p.w_panel;
  const auto multiply = [&](i64 k) __attribute__((always_inline)) {
    const V x(a[k]);
    RECURRA_UNROLL
    for (int j = 0; j < 2; ++j) {
      RECURRA_UNROLL
      for (int n = 0; n < N; ++n)
        t.sum[0][j * N + n] = fma(x, V::load(w + j * w_panel + n * V::width), t.sum[0][j * N + n]);
    }
    w += N * V::width;
  };
  const i64 both = p.segment < other.segment ? p.segment : other.segment;
  for (i64 k = 0; k < both; ++k) {
    multiply(k);
    b.multiply(k);
  }
  for (i64 k = both; k < p.segment; ++k) multiply(k);
  for (i64 k = both; k < other.segment; ++k) b.multiply(k);
  b.store(other);
  finish(t, p, row, panel);
}

}  // namespace recurra::RECURRA_TARGET_NAME
