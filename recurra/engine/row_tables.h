/// How a caller's sequence or a buffer of ours becomes row pointers; what the binding of both ways shares.
///
/// Private to the library.
#pragma once

#include "recurra/engine/memory.h"

namespace recurra {

[[nodiscard]] inline std::size_t index(i64 i) {
  return static_cast<std::size_t>(i);
}

/// The caller's step that sorted row `row` processes as its step `t`.
[[nodiscard]] inline i64 time_of(const Plan& plan, const Memory& m, i64 row, i64 t) {
  const i64 place = plan.recurrence().reverse ? m.length[index(row)] - 1 - t : t;
  return m.scattered ? m.times[index(row * m.steps + place)] : m.begin[index(row)] + place;
}

/// `all` gets the caller's memory of every running row of every step.
template <class T, class Table>
void list_sequence(const Plan& plan, const SequenceOf<T>& sequence, const Memory& m, Table& all) {
  for (i64 t = 0; t < m.running; ++t) {
    auto* to = all.data() + m.first[index(t)];
    for (i64 row = 0; row < m.active[index(t)]; ++row) {
      to[row] = sequence.data + m.order[index(row)] * sequence.row_stride +
                time_of(plan, m, row, t) * sequence.step_stride;
    }
  }
}

/// The caller's sequence, by sorted row, in the order of processing; not when scattered.
template <class T>
void bind_sequence(const Plan& plan, const SequenceOf<T>& sequence, const Memory& m, Rows<T>& rows) {
  const bool reverse = plan.recurrence().reverse;
  if (sequence.data == nullptr) return;  // nothing will be read
  rows.step = reverse ? -sequence.step_stride : sequence.step_stride;
  for (i64 row = 0; row < m.batch; ++row) {
    const i64 start = m.length[index(row)] > 0 ? time_of(plan, m, row, 0) : 0;
    rows.at[index(row)] =
        sequence.data + m.order[index(row)] * sequence.row_stride + start * sequence.step_stride;
  }
}

/// A buffer of ours: [step][row][width].
inline void bind_buffer(AlignedBuffer<float>& buffer, i64 width, const Memory& m, Rows<float>& rows) {
  rows.step = m.batch * width;
  for (i64 row = 0; row < m.batch; ++row) rows.at[index(row)] = buffer.data() + row * width;
}

/// `all` gets base + offset(step) of every running row of every step.
template <class T, class Table, class Offset>
void list_all(const Rows<T>& rows, const Memory& m, Table& all, Offset offset) {
  for (i64 t = 0; t < m.running; ++t) {
    auto* to = all.data() + m.first[index(t)];
    const i64 shift = offset(t);
    for (int row = 0; row < m.active[index(t)]; ++row)
      to[row] = rows.at[static_cast<std::size_t>(row)] + shift;
  }
}

}  // namespace recurra
