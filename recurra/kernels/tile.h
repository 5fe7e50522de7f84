/// The register tile all products are made of: R rows by J panels of N vectors.
#pragma once

#include "recurra/kernels/abi.h"
#include "recurra/simd/lane.h"

namespace recurra::RECURRA_TARGET_NAME {

/// Most rows of a tile of N vectors. With 32 registers 6 x 4 sums leave room for 4 weights and one operand;
/// with 16, 3 x 4 for one and 3.
template <Lane V, int N>
inline constexpr int max_rows = V::registers >= 32 ? (N >= 6   ? 4
                                                      : N == 4 ? 6
                                                               : 8)
                                                   : (N >= 6   ? 2
                                                      : N == 4 ? 3
                                                               : 4);

/// Rows of the next tile when `left` remain: full tiles, and the last two even, since a tile of one row
/// waits for its sums instead of adding.
template <int Most>
RECURRA_INLINE int next_rows(int left) {
  return left >= 2 * Most || left == Most ? Most : left > Most ? (left + 1) / 2 : left;
}

template <class V, int R, int N, int J>
struct Tile {
  V sum[R][J * N];

  RECURRA_INLINE void start(const ProductArgs& p, int row, int panel) {
    RECURRA_UNROLL
    for (int j = 0; j < J; ++j) {
      const float* lead = p.lead + (panel + j) * p.lead_panel;
      RECURRA_UNROLL
      for (int n = 0; n < N; ++n) {
        if (n < p.lead_vectors) {
          const V x = V::load(lead + n * V::width);
          RECURRA_UNROLL
          for (int r = 0; r < R; ++r) sum[r][j * N + n] = x;
        } else if (p.init != nullptr) {
          RECURRA_UNROLL
          for (int r = 0; r < R; ++r) {
            sum[r][j * N + n] =
                V::load(p.init[row + r] + p.init_offset + (panel + j) * p.init_panel + n * V::width);
          }
        } else {
          RECURRA_UNROLL
          for (int r = 0; r < R; ++r) sum[r][j * N + n] = V::zero();
        }
      }
    }
  }

  RECURRA_INLINE void multiply(const ProductArgs& p, int row, int panel) {
    const float* a[R];
    RECURRA_UNROLL
    for (int r = 0; r < R; ++r) a[r] = p.a[row + r] + p.a_offset;
    const float* w = p.w + panel * p.w_panel;
    const i64 w_panel = p.w_panel;
    for (int s = 0; s < p.segments; ++s) {
      for (i64 k = 0; k < p.segment; ++k, w += N * V::width) {
        V weight[J * N];
        RECURRA_UNROLL
        for (int j = 0; j < J; ++j) {
          RECURRA_UNROLL
          for (int n = 0; n < N; ++n) weight[j * N + n] = V::load(w + j * w_panel + n * V::width);
        }
        RECURRA_UNROLL
        for (int r = 0; r < R; ++r) {
          const V x(a[r][k]);
          RECURRA_UNROLL
          for (int n = 0; n < J * N; ++n) sum[r][n] = fma(x, weight[n], sum[r][n]);
        }
      }
      RECURRA_UNROLL
      for (int r = 0; r < R; ++r) a[r] += p.segment_stride;
    }
  }

  /// All vectors of one panel to `out`, rows `out_row` floats apart.
  RECURRA_INLINE void store(int j, float* out, i64 out_row) const {
    RECURRA_UNROLL
    for (int r = 0; r < R; ++r) {
      RECURRA_UNROLL
      for (int n = 0; n < N; ++n) sum[r][j * N + n].store(out + r * out_row + n * V::width);
    }
  }
};

/// Hands the sums on: to the epilogue, or to where they go.
template <class V, int R, int N, int J>
RECURRA_INLINE void finish(const Tile<V, R, N, J>& t, const ProductArgs& p, int row, int panel) {
  for (int j = 0; j < J; ++j) {
    if (p.epilogue != nullptr) {
      alignas(cache_line) float scratch[R * N * V::width];
      t.store(j, scratch, N * V::width);
      p.epilogue(p.context, panel + j, row, R, scratch);
      continue;
    }
    const int left = p.columns - (panel + j) * N * V::width;
    RECURRA_UNROLL
    for (int r = 0; r < R; ++r) {
      float* out = p.out[row + r] + p.out_offset + (panel + j) * p.out_panel;
      RECURRA_UNROLL
      for (int n = 0; n < N; ++n) {
        if (left >= (n + 1) * V::width) {
          t.sum[r][j * N + n].store(out + n * V::width);
        } else {
          t.sum[r][j * N + n].store(out + n * V::width, V::first(left - n * V::width));
        }
      }
    }
  }
}

template <class V, int R, int N, int J>
[[gnu::noinline]] void tile(const ProductArgs& p, int row, int panel) {
  Tile<V, R, N, J> t;
  t.start(p, row, panel);
  if (row < p.product_rows) t.multiply(p, row, panel);
  finish(t, p, row, panel);
}

}  // namespace recurra::RECURRA_TARGET_NAME
