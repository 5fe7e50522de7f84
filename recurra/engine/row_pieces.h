/// The rows of several steps as one operand: tables of row pointers, made piece by piece on the stack of the
/// thread that reads them, so that no memory grows with the steps and nobody waits for a table.
///
/// Private to the library.
#pragma once

#include <limits>

#include "recurra/engine/memory.h"

namespace recurra {

/// Every chunk of the way back of fewer than 256 rows a step is one piece.
inline constexpr int piece_rows = 512;

/// Up to `piece_rows` running rows, by step, then by row: the one order of all sums over time and rows.
struct RowPiece {
  /// Rows of one step.
  struct Run {
    int step;
    int first_row;
    int count;
  };

  int count = 0;  // rows
  int run_count = 0;
  Run runs[piece_rows];

  /// `table` gets the piece's rows, of which rows_of(step) says where those of a step lie.
  template <class T, class RowsOf>
  void list(T** table, RowsOf rows_of) const noexcept {
    for (int i = 0; i < run_count; ++i) {
      const auto rows = rows_of(runs[i].step);
      for (int row = 0; row < runs[i].count; ++row) *table++ = rows.at[runs[i].first_row + row] + rows.offset;
    }
  }

  /// The same of a caller's sequence, in whatever order its steps count.
  template <class T>
  void list_sequence(const Memory& m, const SequenceOf<T>& sequence, T** table) const noexcept {
    for (int i = 0; i < run_count; ++i) {
      for (int row = 0; row < runs[i].count; ++row)
        *table++ = m.at(sequence, runs[i].step, runs[i].first_row + row);
    }
  }

  /// The operand of the input product.
  void list_inputs(const Memory& m, const float** table) const noexcept {
    if (m.scattered && !m.drops_x) return list_sequence(m, m.x, table);
    list(table, [&](i64 step) { return m.x_at(step); });
  }
};

/// Of the rows first_row .. last_row that run in `steps`, by step, then by row, number first .. last.
struct RowSelection {
  Steps steps;
  int first_row = 0;
  int last_row = std::numeric_limits<int>::max();
  i64 first = 0;
  i64 last = std::numeric_limits<i64>::max();
};

/// Calls visit(piece) for all rows of `selection`, at most `most` in each piece.
template <class Visit>
void for_each_piece(const Memory& m, const RowSelection& selection, int most, Visit visit) noexcept {
  RowPiece piece;
  i64 number = 0;  // of the step's first row
  const auto finish_piece = [&] {
    visit(static_cast<const RowPiece&>(piece));
    piece.count = piece.run_count = 0;
  };
  for (i64 t = selection.steps.first; t < selection.steps.last && number < selection.last; ++t) {
    const i64 rows = std::min(selection.last_row, m.active(t)) - selection.first_row;
    if (rows <= 0) break;  // nor do they run later
    const i64 end = std::min(rows, selection.last - number);
    for (i64 i = std::max<i64>(selection.first - number, 0); i < end;) {
      const auto count = static_cast<int>(std::min<i64>(end - i, most - piece.count));
      piece.runs[piece.run_count++] = {static_cast<int>(t), static_cast<int>(selection.first_row + i), count};
      piece.count += count;
      i += count;
      if (piece.count == most) finish_piece();
    }
    number += rows;
  }
  if (piece.count > 0) finish_piece();
}

}  // namespace recurra
