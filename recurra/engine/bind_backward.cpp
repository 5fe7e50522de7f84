/// The row tables of the way back.
#include <algorithm>

#include "recurra/engine/attention.h"
#include "recurra/engine/row_tables.h"

namespace recurra {

bool repeats_outputs(const Call& call) noexcept {
  return call.fill == Fill::repeat && (call.lengths != nullptr || call.mask != nullptr);
}

void gather_gradient(const Plan& plan,
                     const Call& call,
                     const ConstSequence& given,
                     i64 width,
                     const Memory& m,
                     float* to) noexcept {
  const bool repeats = repeats_outputs(call);
  const i64 direction = plan.recurrence().reverse ? -1 : 1;
  for (i64 row = 0; row < m.batch; ++row) {
    const auto from = [&](i64 time) {
      return given.data + m.order[index(row)] * given.row_stride + time * given.step_stride;
    };
    const i64 length = m.length[index(row)];
    for (i64 t = 0; t < length; ++t) {
      const i64 time = m.time_of(t, row);
      float* sum = to + (t * m.batch + row) * width;
      std::copy_n(from(time), width, sum);
      if (!repeats) continue;
      const i64 end = t + 1 < length ? m.time_of(t + 1, row) : direction > 0 ? m.steps : -1;
      for (i64 repeated = time + direction; repeated != end; repeated += direction) {
        for (i64 k = 0; k < width; ++k) sum[k] += from(repeated)[k];
      }
    }
  }
}

namespace {

void bind_output_gradient(const Plan& plan, const Call& call, const BackwardCall& back, Memory& m) noexcept {
  if (!m.scattered && !repeats_outputs(call)) {
    bind_sequence(plan, back.dy, m, m.dy);
    return;
  }
  gather_gradient(plan, call, back.dy, plan.width(), m, m.dy_gathered.data());
  m.dy.step = m.batch * plan.width();
  for (i64 row = 0; row < m.batch; ++row) m.dy.at[index(row)] = m.dy_gathered.data() + row * plan.width();
}

/// Gradients of the states, starting with those of the final ones.
void load_final_gradients(const Plan& plan, const BackwardCall& back, Memory& m) noexcept {
  const i64 padded = plan.padded();
  for (i64 row = 0; row < m.batch; ++row) {
    for (int k = 0; k < plan.cell().states; ++k) {
      const i64 width = k == 0 ? plan.width() : plan.units();
      // With a projection the output's gradient enters before that product.
      const bool here = back.d_final[k] != nullptr && !(k == 0 && plan.projected());
      float* to = m.d_states[k].data() + row * padded;
      std::fill_n(to, padded, 0.0F);
      if (here) std::copy_n(back.d_final[k] + m.order[index(row)] * width, width, to);
    }
  }
}

}  // namespace

void bind_backward(const Plan& plan, const Call& call, const BackwardCall& back, Memory& m) noexcept {
  m.training = true;
  m.keep = m.room.keep == Keep::gates;
  m.back_chunk = back_chunk_steps(call.batch);
  m.gate_steps = m.keep ? std::max<i64>(call.steps, 1) : 2 * m.back_chunk;
  m.operand_steps = m.gate_steps;
  m.x_steps = m.dropped_steps = m.back_chunk;
  bind_rows(plan, call, m);
  m.dx = back.dx;
  bind_sequence(plan, back.dx, m, m.dx_rows);
  bind_attention(plan, call, m);
  bind_extras_backward(plan, call, back, m);
  if (back.dy.data != nullptr) bind_output_gradient(plan, call, back, m);
  load_final_gradients(plan, back, m);
  std::fill_n(m.row_sums.data(), i64{m.active(0)} * plan.cell().rows.sums * plan.padded(), 0.0F);
  if (!m.keep) bind_buffer(m.unused, plan.padded(), m, m.unused_rows);
  if (!plan.cell().dense) return;
  const Panels& width = plan.width_panels();
  const i64 padded_width = i64{width.count} * width.width;
  bind_buffer(m.d_output, std::max<i64>(padded_width, plan.padded()), m, m.d_h0);
  if (plan.projected()) bind_buffer(m.d_projection, padded_width, m, m.d_proj);
}

}  // namespace recurra
