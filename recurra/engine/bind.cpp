/// Lengths, directions and strides become row tables here; nothing behind it knows of them.
#include <algorithm>
#include <string>

#include "recurra/base/error.h"
#include "recurra/base/threads.h"
#include "recurra/engine/attention.h"
#include "recurra/engine/row_tables.h"

namespace recurra {

namespace {

std::string text_of(const Room& room) {
  std::string text = std::to_string(room.steps) + " steps and " + std::to_string(room.batch) + " rows";
  text += room.training ? " for training" : " for inference";
  if (room.masks) text += " with masks";
  if (room.dropout) text += " with dropout";
  return text;
}

void check_call(
    const Plan& plan, const Call& call, const Execution& execution, bool training, const Memory& m) {
  check_threads(execution.threads);
  const bool masks = call.mask != nullptr || (call.lengths != nullptr && call.fill == Fill::repeat);
  const Room room{
      call.steps, call.batch, training, masks, call.x_dropout != nullptr || call.h_dropout != nullptr};
  if (m.plan != plan || !contains(m.room, room)) {
    throw Error(ErrorCode::invalid_argument,
                "workspace",
                "one prepared for this plan, " + text_of(room),
                m.plan == plan ? text_of(m.room) : "one that is not");
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
  if (call.mask != nullptr && call.lengths != nullptr) {
    throw Error(ErrorCode::invalid_argument, "mask", "none beside lengths", "both");
  }
  if (call.h_dropout != nullptr && (plan.projected() || !plan.cell().dense)) {
    throw Error(ErrorCode::unsupported,
                "h_dropout",
                "cells with a recurrent product and no projection",
                plan.recurrence().cell + (plan.projected() ? " with a projection" : ""));
  }
  check_attention(plan, call);
  for (i64 row = 0; call.lengths != nullptr && row < call.batch; ++row) {
    if (call.lengths[row] < 0 || call.lengths[row] > call.steps) {
      throw Error(ErrorCode::invalid_argument,
                  "lengths[" + std::to_string(row) + "]",
                  "0 to " + std::to_string(call.steps),
                  std::to_string(call.lengths[row]));
    }
  }
}

/// How many steps of the caller's row count, and whether they lie together.
int count_steps(const Call& call, i64 row, bool& together) {
  if (call.lengths != nullptr) return call.lengths[row];
  if (call.mask == nullptr) return static_cast<int>(call.steps);
  const unsigned char* mask = call.mask + row * call.steps;
  int count = 0;
  int runs = 0;
  for (i64 t = 0; t < call.steps; ++t) {
    if (mask[t] == 0) continue;
    ++count;
    if (t == 0 || mask[t - 1] == 0) ++runs;
  }
  together = together && runs <= 1;
  return count;
}

/// For each sorted row, its first step that counts; when scattered, all of them in order.
void find_times(const Call& call, Memory& m) {
  for (i64 row = 0; row < call.batch; ++row) {
    m.begin[index(row)] = 0;
    if (call.mask == nullptr) continue;
    const unsigned char* mask = call.mask + m.order[index(row)] * call.steps;
    const unsigned char* first =
        std::find_if(mask, mask + call.steps, [](unsigned char c) { return c != 0; });
    m.begin[index(row)] = m.length[index(row)] > 0 ? static_cast<int>(first - mask) : 0;
    int* times = m.times.data() + row * m.steps;
    for (i64 t = 0; m.scattered && t < call.steps; ++t) {
      if (mask[t] != 0) *times++ = static_cast<int>(t);
    }
  }
}

/// Longest first, equals in the caller's order; and from that the rows active at each step.
void sort_rows(const Call& call, Memory& m) {
  const i64 steps = call.steps;
  std::fill_n(m.counts.begin(), steps + 1, 0);
  bool together = true;
  for (i64 row = 0; row < call.batch; ++row) {
    m.count[index(row)] = count_steps(call, row, together);
    ++m.counts[index(m.count[index(row)])];
  }
  m.scattered = !together;
  // counts[n] becomes the place of the next row of length n; active[t] the rows longer than t.
  int place = 0;
  for (i64 n = steps; n >= 0; --n) {
    const int rows = m.counts[index(n)];
    m.counts[index(n)] = place;
    m.active[index(n)] = place;
    place += rows;
  }
  for (i64 row = 0; row < call.batch; ++row) {
    const int length = m.count[index(row)];
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
  find_times(call, m);
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

/// The input times its factors, as rows of our own in the place of the caller's.
void drop_inputs(const Plan& plan, const Call& call, Memory& m) {
  const i64 width = plan.input();
  for (i64 t = 0; t < m.running; ++t) {
    const float** rows = m.x_all.data() + m.first[index(t)];
    float* to = m.x_dropped.data() + m.first[index(t)] * width;
    for (i64 row = 0; row < m.active[index(t)]; ++row, to += width) {
      const float* factor = call.x_dropout + m.order[index(row)] * width;
      for (i64 k = 0; k < width; ++k) to[k] = rows[row][k] * factor[k];
      rows[row] = to;
    }
  }
}

/// Memory of the recurrent operand: of step 0 the initial output times its factors.
void bind_dropped_outputs(const Plan& plan, const Call& call, Memory& m) {
  const i64 width = plan.width();
  bind_buffer(m.h_dropped, width, m, m.h_dropped_rows);
  for (i64 row = 0; row < m.batch; ++row) {
    const float* factor = call.h_dropout + m.order[index(row)] * width;
    m.h_factor[index(row)] = factor;
    for (i64 k = 0; k < width; ++k) m.h_dropped_rows.at[index(row)][k] = m.h0.at[index(row)][k] * factor[k];
  }
}

}  // namespace

void bind_forward(const Plan& plan, const Call& call, const Execution& execution, bool training, Memory& m) {
  check_call(plan, call, execution, training, m);
  const CellKernels& cell = plan.cell();
  m.steps = call.steps;
  m.batch = call.batch;
  m.keep = training;
  m.filled = false;
  const i64 room = call.batch > 0 ? m.gate_rows_room / call.batch : 1;
  m.chunk = std::max<i64>(
      1,
      std::min(execution.chunk > 0 ? execution.chunk : chunk_rows / std::max<i64>(call.batch, 1) + 1, room));
  m.back_chunk = (back_chunk_rows + m.batch - 1) / std::max<i64>(m.batch, 1);
  sort_rows(call, m);
  bind_gates(plan, m);
  load_initial_states(plan, call, m);
  const bool by_caller = call.y.data != nullptr && !m.scattered;
  m.two_steps = call.y.data == nullptr && !training;
  m.drops_h = call.h_dropout != nullptr;
  if (m.drops_h) bind_dropped_outputs(plan, call, m);
  if (by_caller) {
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
  list_sequence(plan, call.x, m, m.x_all);
  if (call.x_dropout != nullptr) drop_inputs(plan, call, m);
  bind_attention(plan, call, m);
  list_all(m.gate, m, m.gate_all, [&](i64 t) { return m.gate_offset(t); });
}

}  // namespace recurra
