/// What a forward call leaves with the caller beside the outputs the cells wrote.
#include <algorithm>

#include "recurra/engine/mark.h"
#include "recurra/engine/row_tables.h"

namespace recurra {

namespace {

/// The caller's y of a row whose steps the engine processed in memory of its own.
void give_scattered(const Plan& plan, const Call& call, i64 row, const Memory& m) noexcept {
  for (i64 t = 0; t < m.length[index(row)]; ++t) {
    std::copy_n(
        m.y.at[index(row)] + m.h_offset(t),
        plan.width(),
        call.y.data + m.order[index(row)] * call.y.row_stride + m.time_of(t, row) * call.y.step_stride);
  }
}

/// A caller's sequence at the steps of a row that do not count.
void fill_sequence(
    const Plan& plan, Fill fill, const Sequence& sequence, i64 width, i64 row, const Memory& m) noexcept {
  const i64 length = m.length[index(row)];
  if (length == m.steps) return;
  const float* last = nullptr;  // to be repeated
  i64 next = 0;                 // step of the row to be processed next
  for (i64 p = 0; p < m.steps; ++p) {
    const i64 time = plan.recurrence().reverse ? m.steps - 1 - p : p;
    float* to = sequence.data + m.order[index(row)] * sequence.row_stride + time * sequence.step_stride;
    if (next < length && m.time_of(next, row) == time) {
      if (fill == Fill::repeat) last = to;
      ++next;
    } else if (last != nullptr) {
      std::copy_n(last, width, to);
    } else {
      std::fill_n(to, width, 0.0F);
    }
  }
}

}  // namespace

void finish_outputs(const Plan& plan, const Call& call, Memory& m) noexcept {
  if (m.training) mark_filled(plan, call, m);
  const i64 width = plan.width();
  for (i64 row = 0; row < m.batch; ++row) {
    const i64 original = m.order[index(row)];
    const i64 length = m.length[index(row)];
    if (call.final[0] != nullptr) {
      const float* last = length > 0 ? m.y.at[index(row)] + m.h_offset(length - 1) : m.h0.at[index(row)];
      if (last != call.final[0] + original * width)
        std::copy_n(last, width, call.final[0] + original * width);
    }
    for (int k = 1; k < plan.cell().states; ++k) {
      if (call.states[k].data != nullptr)
        fill_sequence(plan, call.fill, call.states[k], plan.units(), row, m);
      if (call.final[k] == nullptr) continue;
      const float* last = m.states[k - 1].data() + length * m.state_step + row * plan.padded();
      std::copy_n(last, plan.units(), call.final[k] + original * plan.units());
    }
    if (call.y.data == nullptr) continue;
    if (m.scattered) give_scattered(plan, call, row, m);
    fill_sequence(plan, call.fill, call.y, width, row, m);
  }
}

}  // namespace recurra
