/// The row tables of the way back.
#include <algorithm>

#include "recurra/engine/row_tables.h"

namespace recurra {

namespace {

/// The gradient of every processed step's output: the caller's, or where steps between them hold repetitions,
/// the sum over them.
void bind_output_gradient(const Plan& plan, const Call& call, const BackwardCall& back, Memory& m) noexcept {
  const bool repeats = call.fill == Fill::repeat && (call.lengths != nullptr || call.mask != nullptr);
  if (!m.scattered && !repeats) {
    bind_sequence(plan, back.dy, m, m.dy);
    return;
  }
  const i64 width = plan.width();
  m.dy.step = m.batch * width;
  for (i64 row = 0; row < m.batch; ++row) {
    float* first = m.dy_gathered.data() + row * width;
    m.dy.at[index(row)] = first;
    const auto from = [&](i64 time) {
      return back.dy.data + m.order[index(row)] * back.dy.row_stride + time * back.dy.step_stride;
    };
    const i64 length = m.length[index(row)];
    const i64 direction = plan.recurrence().reverse ? -1 : 1;
    for (i64 t = 0; t < length; ++t) {
      const i64 time = time_of(plan, m, row, t);
      float* to = first + t * m.dy.step;
      std::copy_n(from(time), width, to);
      if (!repeats) continue;
      const i64 end = t + 1 < length ? time_of(plan, m, row, t + 1) : direction > 0 ? m.steps : -1;
      for (i64 repeated = time + direction; repeated != end; repeated += direction) {
        for (i64 k = 0; k < width; ++k) to[k] += from(repeated)[k];
      }
    }
  }
}

}  // namespace

void bind_backward(const Plan& plan, const Call& call, const BackwardCall& back, Memory& m) noexcept {
  const CellKernels& cell = plan.cell();
  if (back.dy.data != nullptr) bind_output_gradient(plan, call, back, m);
  if (back.dx.data != nullptr) list_sequence(plan, back.dx, m, m.dx_all);
  const i64 padded = plan.padded();
  for (i64 row = 0; row < m.batch; ++row) {
    for (int k = 0; k < cell.states; ++k) {
      const i64 width = k == 0 ? plan.width() : plan.units();
      // With a projection the output's gradient enters before that product.
      const bool here = back.d_final[k] != nullptr && !(k == 0 && plan.projected());
      float* to = m.d_states[k].data() + row * padded;
      std::fill_n(to, padded, 0.0F);
      if (here) std::copy_n(back.d_final[k] + m.order[index(row)] * width, width, to);
    }
  }
  if (m.running > 0) std::fill_n(m.row_sums.data(), m.active[0] * cell.rows.sums * padded, 0.0F);
  if (!cell.dense) return;
  // The operand of a step's recurrent product is the step before's output.
  if (m.running > 0) {
    for (int row = 0; row < m.active[0]; ++row) m.h_all[index(row)] = m.h0.at[index(row)];
  }
  for (i64 t = 1; t < m.running; ++t) {
    for (int row = 0; row < m.active[index(t)]; ++row) {
      m.h_all[index(m.first[index(t)] + row)] = m.y.at[index(row)] + m.h_offset(t - 1);
    }
  }
  if (m.drops_h) list_all(m.h_dropped_rows, m, m.h_all, [&](i64 t) { return m.dropped_offset(t); });
  for (int p = 1; p < cell.phases; ++p) {
    list_all(m.operand[p - 1], m, m.operand_all[p - 1], [&](i64 t) { return t * m.operand[p - 1].step; });
  }
  const Panels& width = plan.width_panels();
  bind_buffer(m.d_output, std::max<i64>(i64{width.count} * width.width, padded), m, m.d_h0);
  if (!plan.projected()) return;
  bind_buffer(m.d_projection, i64{width.count} * width.width, m, m.d_proj);
  list_all(m.before_projection, m, m.unprojected_all, [&](i64 t) { return t * m.before_projection.step; });
  list_all(m.d_proj, m, m.d_proj_all, [&](i64 t) { return t * m.d_proj.step; });
}

}  // namespace recurra
