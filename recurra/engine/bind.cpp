/// Lengths, directions and strides become row tables here; nothing behind it knows of them.
#include <algorithm>
#include <string>

#include "recurra/base/error.h"
#include "recurra/base/threads.h"
#include "recurra/engine/memory.h"

namespace recurra {

namespace {

std::size_t index(i64 i) {
  return static_cast<std::size_t>(i);
}

void check_call(
    const Plan& plan, const Call& call, const Execution& execution, bool training, const Memory& m) {
  check_threads(execution.threads);
  const bool ours = m.plan == plan;
  if (!ours || call.steps > m.steps_room || call.batch > m.batch_room || (training && !m.training_room)) {
    const auto room = [](i64 steps, i64 batch) {
      return std::to_string(steps) + " steps and " + std::to_string(batch) + " rows";
    };
    const char* use = !ours || !training ? "" : m.training_room ? " for training" : " for inference";
    throw Error(
        ErrorCode::invalid_argument,
        "workspace",
        "one prepared for this plan, " + room(call.steps, call.batch) + (training ? " for training" : ""),
        (ours ? room(m.steps_room, m.batch_room) : room(0, 0)) + use);
  }
  if (call.steps < 0 || call.batch < 0) {
    throw Error(ErrorCode::invalid_argument,
                "call",
                "steps and batch from 0 up",
                std::to_string(call.steps) + " and " + std::to_string(call.batch));
  }
  if (call.x.data == nullptr && call.steps > 0 && call.batch > 0) {
    throw Error(ErrorCode::invalid_argument, "x", "a sequence", "null");
  }
  for (i64 row = 0; call.lengths != nullptr && row < call.batch; ++row) {
    if (call.lengths[row] < 0 || call.lengths[row] > call.steps) {
      throw Error(ErrorCode::invalid_argument,
                  "lengths[" + std::to_string(row) + "]",
                  "0 to " + std::to_string(call.steps),
                  std::to_string(call.lengths[row]));
    }
  }
}

/// Longest first, equals in the caller's order; and from that the rows active at each step.
void sort_rows(const Call& call, Memory& m) {
  const i64 steps = call.steps;
  std::fill_n(m.counts.begin(), steps + 1, 0);
  for (i64 row = 0; row < call.batch; ++row)
    ++m.counts[index(call.lengths != nullptr ? call.lengths[row] : steps)];
  // counts[n] becomes the place of the next row of length n; active[t] the rows longer than t.
  int place = 0;
  for (i64 n = steps; n >= 0; --n) {
    const int rows = m.counts[index(n)];
    m.counts[index(n)] = place;
    m.active[index(n)] = place;
    place += rows;
  }
  for (i64 row = 0; row < call.batch; ++row) {
    const int length = static_cast<int>(call.lengths != nullptr ? call.lengths[row] : steps);
    const auto to = static_cast<std::size_t>(m.counts[static_cast<std::size_t>(length)]++);
    m.order[to] = static_cast<int>(row);
    m.length[to] = length;
  }
  m.running = 0;
  m.first[0] = 0;
  for (i64 t = 0; t < steps; ++t) {
    m.first[index(t) + 1] = m.first[index(t)] + m.active[index(t)];
    if (m.active[index(t)] > 0) m.running = t + 1;
  }
}

/// The caller's sequence, by sorted row, in the order of processing.
template <class T>
void bind_sequence(const Plan& plan, const SequenceOf<T>& sequence, const Memory& m, Rows<T>& rows) {
  const bool reverse = plan.stack().reverse;
  if (sequence.data == nullptr) return;  // nothing will be read
  rows.step = reverse ? -sequence.step_stride : sequence.step_stride;
  for (i64 row = 0; row < m.batch; ++row) {
    const i64 start = reverse && m.length[index(row)] > 0 ? m.length[index(row)] - 1 : 0;
    rows.at[index(row)] =
        sequence.data + m.order[index(row)] * sequence.row_stride + start * sequence.step_stride;
  }
}

/// A buffer of ours: [step][row][width].
void bind_buffer(AlignedBuffer<float>& buffer, i64 width, const Memory& m, Rows<float>& rows) {
  rows.step = m.batch * width;
  for (i64 row = 0; row < m.batch; ++row) rows.at[index(row)] = buffer.data() + row * width;
}

void bind_gates(const Plan& plan, Memory& m) {
  m.gate_block = m.batch * plan.slot_run();
  m.gate.step = m.gate_block * plan.blocks();
  for (i64 row = 0; row < m.batch; ++row) m.gate.at[index(row)] = m.gates.data() + row * plan.slot_run();
}

void load_initial_states(const Plan& plan, const Call& call, Memory& m) {
  const i64 width = plan.width();
  m.initial_output = call.initial[0] != nullptr;
  for (i64 row = 0; row < m.batch; ++row) {
    const float* h0 = m.initial_output ? call.initial[0] + m.order[index(row)] * width : m.zeros.data();
    if (m.initial_output && m.keep) {
      // The way back reads it too, and by then the final state may have taken its place.
      h0 = std::copy_n(h0, width, m.h_first.data() + row * width) - width;
    }
    m.h0.at[index(row)] = h0;
  }
  for (int k = 1; k < plan.cell().states; ++k) {
    for (i64 row = 0; row < m.batch; ++row) {
      float* to = m.states[k - 1].data() + row * plan.padded();
      std::fill_n(to, plan.padded(), 0.0F);
      if (call.initial[k] != nullptr) {
        std::copy_n(call.initial[k] + i64{m.order[index(row)]} * plan.units(), plan.units(), to);
      }
    }
  }
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

}  // namespace

void bind_forward(const Plan& plan, const Call& call, const Execution& execution, bool training, Memory& m) {
  check_call(plan, call, execution, training, m);
  const CellKernels& cell = plan.cell();
  m.steps = call.steps;
  m.batch = call.batch;
  m.keep = training;
  m.filled = training;
  const i64 room = call.batch > 0 ? m.gate_rows_room / call.batch : 1;
  m.chunk = std::max<i64>(
      1,
      std::min(execution.chunk > 0 ? execution.chunk : chunk_rows / std::max<i64>(call.batch, 1) + 1, room));
  sort_rows(call, m);
  bind_sequence(plan, call.x, m, m.x);
  bind_gates(plan, m);
  load_initial_states(plan, call, m);
  m.two_steps = call.y.data == nullptr && !training;
  if (call.y.data != nullptr) {
    bind_sequence(plan, call.y, m, m.y);
  } else {
    bind_buffer(m.h, plan.width(), m, m.y);
  }
  m.state_step = training ? m.batch * plan.padded() : 0;
  for (int p = 1; p < cell.phases; ++p) {
    bind_buffer(m.operands[p - 1], plan.padded(), m, m.operand[p - 1]);
    if (!training) m.operand[p - 1].step = 0;
  }
  if (plan.projected()) {
    bind_buffer(m.unprojected, plan.padded(), m, m.before_projection);
    if (!training) m.before_projection.step = 0;
  }
  list_all(m.x, m, m.x_all, [&](i64 t) { return t * m.x.step; });
  list_all(m.gate, m, m.gate_all, [&](i64 t) { return m.gate_offset(t); });
}

void bind_backward(const Plan& plan, const BackwardCall& back, Memory& m) noexcept {
  const CellKernels& cell = plan.cell();
  if (back.dy.data != nullptr) bind_sequence(plan, back.dy, m, m.dy);
  if (back.dx.data != nullptr) {
    bind_sequence(plan, back.dx, m, m.dx);
    list_all(m.dx, m, m.dx_all, [&](i64 t) { return t * m.dx.step; });
  }
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

void finish_outputs(const Plan& plan, const Call& call, Memory& m) noexcept {
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
      if (call.final[k] == nullptr) continue;
      const float* last = m.states[k - 1].data() + length * m.state_step + row * plan.padded();
      std::copy_n(last, plan.units(), call.final[k] + original * plan.units());
    }
    for (i64 t = length; call.y.data != nullptr && t < m.steps; ++t) {
      std::fill_n(call.y.data + t * call.y.step_stride + original * call.y.row_stride, width, 0.0F);
    }
  }
}

}  // namespace recurra
