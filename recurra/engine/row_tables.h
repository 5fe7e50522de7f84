/// How a caller's sequence or a buffer of ours becomes row pointers; what the binding of both ways shares.
///
/// Private to the library.
#pragma once

#include "recurra/engine/memory.h"

namespace recurra {

[[nodiscard]] inline std::size_t index(i64 i) {
  return static_cast<std::size_t>(i);
}

/// Sorts the rows of a call and makes the tables that both ways need.
void bind_rows(const Plan& plan, const Call& call, Memory& memory) noexcept;

/// The caller's sequence, by sorted row, in the order of processing; not when scattered.
template <class T>
void bind_sequence(const Plan& plan, const SequenceOf<T>& sequence, const Memory& m, Rows<T>& rows) {
  const bool reverse = plan.recurrence().reverse;
  if (sequence.data == nullptr) return;  // nothing will be read
  rows.step = reverse ? -sequence.step_stride : sequence.step_stride;
  for (i64 row = 0; row < m.batch; ++row) {
    const i64 start = m.length[index(row)] > 0 ? m.time_of(0, row) : 0;
    rows.at[index(row)] =
        sequence.data + m.order[index(row)] * sequence.row_stride + start * sequence.step_stride;
  }
}

/// The caller's sequence, whichever steps count: `rows` has room for a table of all steps where they may be
/// scattered.
template <class T>
void bind_steps(const Plan& plan, const SequenceOf<T>& sequence, const Memory& m, Rows<T>& rows) {
  rows.table = m.scattered ? m.batch : 0;
  if (!m.scattered) return bind_sequence(plan, sequence, m, rows);
  rows.step = 0;
  for (i64 t = 0; t < m.running; ++t) {
    const int active = m.active(t);
    for (int row = 0; row < active; ++row) rows.at[index(t * m.batch + row)] = m.at(sequence, t, row);
  }
}

/// A buffer of ours: [step][row][width].
template <class T>
void bind_buffer(std::span<float> buffer, i64 width, const Memory& m, Rows<T>& rows) {
  rows.step = m.batch * width;
  rows.table = 0;
  if (buffer.empty()) return;  // no step runs
  for (i64 row = 0; row < m.batch; ++row) rows.at[index(row)] = buffer.data() + row * width;
}

/// Whether steps that do not count hold repetitions, whose gradients belong to the step they repeat.
[[nodiscard]] bool repeats_outputs(const Call& call) noexcept;

/// The gradient of every processed step, `to` being [step][row][width]: the caller's, where steps between
/// them hold repetitions the sum over these.
void gather_gradient(const Plan& plan,
                     const Call& call,
                     const ConstSequence& given,
                     i64 width,
                     const Memory& m,
                     float* to) noexcept;

}  // namespace recurra
