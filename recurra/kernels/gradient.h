/// Weight gradients: sums of outer products over many steps and rows, the sums in registers.
#pragma once

#include "recurra/kernels/tile.h"

namespace recurra::RECURRA_TARGET_NAME {

/// Steps of k between reloading sums: 128 rows of a 4-vector panel are 32 KiB, which stay in L1 or L2 while
/// every row tile of the sum passes over them.
inline constexpr i64 gradient_piece = 128;

/// What a tile's sums become at their end, in the caller's memory.
template <class V, int R, int N>
struct GradientOutput {
  float* to[N];
  int left[N];  // floats of a vector
  i64 row;
  bool add;

  RECURRA_INLINE GradientOutput(const GradientArgs& p, int first_row, int panel)
      : row(p.out_row), add(p.out_add) {
    RECURRA_UNROLL
    for (int n = 0; n < N; ++n) {
      to[n] = p.out + first_row * p.out_row + i64{panel} * p.out_panel + p.out_vector[n];
      left[n] = p.out_columns - panel * p.out_panel - p.out_column[n];
    }
  }

  /// Fetches it while the sums are made: scattered as it is, no processor foresees it.
  RECURRA_INLINE void prefetch() const {
    RECURRA_UNROLL
    for (int r = 0; r < R; ++r) {
      RECURRA_UNROLL
      for (int n = 0; n < N; ++n) {
        if (left[n] > 0) __builtin_prefetch(to[n] + r * row, 1);
      }
    }
  }

  RECURRA_INLINE void store(const V (&sum)[R][N]) const {
    RECURRA_UNROLL
    for (int n = 0; n < N; ++n) {
      const bool whole = left[n] >= V::width;
      const typename V::Mask mask = V::first(left[n]);
      RECURRA_UNROLL
      for (int r = 0; r < R; ++r) {
        float* at = to[n] + r * row;
        if (whole) {
          (add ? V::load(at) + sum[r][n] : sum[r][n]).store(at);
        } else {
          (add ? V::load(at, mask) + sum[r][n] : sum[r][n]).store(at, mask);
        }
      }
    }
  }
};

template <class V, int R, int N>
[[gnu::noinline]] void gradient_tile(const GradientArgs& p, i64 first, i64 last, int row, int panel) {
  float* out = p.sum + panel * p.sum_panel + row * N * V::width;
  const bool fresh = first == p.first_k && !p.add;
  const bool ends = p.out != nullptr && last == p.last_k;
  if (ends) GradientOutput<V, R, N>(p, row, panel).prefetch();
  V sum[R][N];
  RECURRA_UNROLL
  for (int r = 0; r < R; ++r) {
    RECURRA_UNROLL
    for (int n = 0; n < N; ++n) {
      sum[r][n] = fresh ? V::zero() : V::load(out + (r * N + n) * V::width);
    }
  }
  const i64 g_offset = p.g_offset + panel * p.g_panel;
  const i64 a_offset = p.a_offset + row;
  for (i64 k = first; k < last; ++k) {
    const float* g = p.g[k] + g_offset;
    V gradient[N];
    RECURRA_UNROLL
    for (int n = 0; n < N; ++n) gradient[n] = V::load(g + n * V::width);
    if (p.a == nullptr) {
      RECURRA_UNROLL
      for (int n = 0; n < N; ++n) sum[0][n] = sum[0][n] + gradient[n];
      continue;
    }
    const float* a = p.a[k] + a_offset;
    RECURRA_UNROLL
    for (int r = 0; r < R; ++r) {
      const V x(a[r]);
      RECURRA_UNROLL
      for (int n = 0; n < N; ++n) sum[r][n] = fma(x, gradient[n], sum[r][n]);
    }
  }
  if (ends) {
    GradientOutput<V, R, N>(p, row, panel).store(sum);
    return;
  }
  RECURRA_UNROLL
  for (int r = 0; r < R; ++r) {
    RECURRA_UNROLL
    for (int n = 0; n < N; ++n) sum[r][n].store(out + (r * N + n) * V::width);
  }
}

template <class V, int R, int N>
RECURRA_INLINE void gradient_rows(const GradientArgs& p, i64 first, i64 last, int rows, int row, int panel) {
  if constexpr (R > 1) {
    if (rows < R) return gradient_rows<V, R - 1, N>(p, first, last, rows, row, panel);
  }
  gradient_tile<V, R, N>(p, first, last, row, panel);
}

template <class V, int N>
[[gnu::noinline]] void gradient_of(const GradientArgs& p) {
  for (int panel = p.first_panel; panel < p.last_panel; ++panel) {
    for (i64 first = p.first_k; first == p.first_k || first < p.last_k; first += gradient_piece) {
      const i64 last = first + gradient_piece < p.last_k ? first + gradient_piece : p.last_k;
      for (int row = p.first_row; row < p.last_row;) {
        constexpr int most = max_rows<V, N>;
        const int rows = next_rows<most>(p.last_row - row);
        gradient_rows<V, most, N>(p, first, last, rows, row, panel);
        row += rows;
      }
    }
  }
}

inline void gradient(const GradientArgs& p) {
  switch (p.vectors) {
    case 1:
      return gradient_of<Vec, 1>(p);
    case 2:
      return gradient_of<Vec, 2>(p);
    case 3:
      return gradient_of<Vec, 3>(p);
    case 4:
      return gradient_of<Vec, 4>(p);
    default:
      return gradient_of<Vec, 6>(p);
  }
}

}  // namespace recurra::RECURRA_TARGET_NAME
