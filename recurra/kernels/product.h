/// Cuts a product into tiles: panels outside, rows inside, so that a panel stays in cache for all rows.
#pragma once

#include "recurra/kernels/beside.h"
#include "recurra/kernels/tile.h"

namespace recurra::RECURRA_TARGET_NAME {

template <class V, int R, int N>
RECURRA_INLINE void tile_rows(const ProductArgs& p, int rows, int row, int panel) {
  if constexpr (R > 1) {
    if (rows < R) return tile_rows<V, R - 1, N>(p, rows, row, panel);
  }
  tile<V, R, N, 1>(p, row, panel);
}

/// Rows [first, last) of one panel.
template <class V, int N>
RECURRA_INLINE void panel_rows(const ProductArgs& p, int first, int last, int panel) {
  for (int row = first; row < last;) {
    const int rows = next_rows<max_rows<V, N>>(last - row);
    tile_rows<V, max_rows<V, N>, N>(p, rows, row, panel);
    row += rows;
  }
}

/// One row has N chains of multiply-adds, too few to hide their latency: two panels at once give 2 N.
template <class V, int N>
RECURRA_INLINE void single_row(const ProductArgs& p) {
  const int panels = p.last_panel - p.first_panel;
  for (int done = 0; done < panels;) {
    const int count = panels - done >= 2 ? 2 : 1;
    const int panel = p.descending ? p.last_panel - done - count : p.first_panel + done;
    done += count;
    if constexpr (has_time_beside<V, N>) {
      const bool any = p.beside != nullptr && p.beside->next < p.beside->count;
      if (any && count == 2 && p.segments == 1 && p.first_row < p.product_rows) {
        tile_beside<V, N>(p, p.first_row, panel, *p.beside);
        continue;
      }
    }
    if (count == 2) {
      tile<V, 1, N, 2>(p, p.first_row, panel);
    } else {
      tile<V, 1, N, 1>(p, p.first_row, panel);
    }
  }
}

template <class V, int N>
[[gnu::noinline]] void product_of(const ProductArgs& p) {
  const int panels = p.last_panel - p.first_panel;
  if constexpr (2 * N <= V::registers / 2) {
    if (p.last_row - p.first_row == 1) return single_row<V, N>(p);
  }
  // A tile multiplies all its rows or none.
  const int middle = p.product_rows < p.last_row
                         ? (p.product_rows > p.first_row ? p.product_rows : p.first_row)
                         : p.last_row;
  for (int i = 0; i < panels; ++i) {
    const int panel = p.descending ? p.last_panel - 1 - i : p.first_panel + i;
    panel_rows<V, N>(p, p.first_row, middle, panel);
    panel_rows<V, N>(p, middle, p.last_row, panel);
  }
}

inline void product(const ProductArgs& p) {
  if (p.executed != nullptr) *p.executed = RECURRA_TARGET_TEXT;
  switch (p.vectors) {
    case 1:
      return product_of<Vec, 1>(p);
    case 2:
      return product_of<Vec, 2>(p);
    case 3:
      return product_of<Vec, 3>(p);
    case 4:
      return product_of<Vec, 4>(p);
    default:
      return product_of<Vec, 6>(p);
  }
}

}  // namespace recurra::RECURRA_TARGET_NAME
