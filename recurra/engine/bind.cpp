/// Lengths, directions and strides become row tables here; nothing behind it knows of them.
#include <algorithm>
#include <limits>

#include "recurra/engine/attention.h"
#include "recurra/engine/dropout.h"
#include "recurra/engine/mark.h"
#include "recurra/engine/row_tables.h"

namespace recurra {

namespace {

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

/// Longest first, equals in the caller's order.
void sort_rows(const Call& call, Memory& m) {
  bool together = true;
  bool equal = true;
  for (i64 row = 0; row < call.batch; ++row) {
    m.order[index(row)] = static_cast<int>(row);
    m.count[index(row)] = count_steps(call, row, together);
    equal = equal && m.count[index(row)] == m.count[0];
  }
  m.scattered = !together;
  const auto order = m.order.first(index(call.batch));
  if (!equal) {
    std::ranges::sort(order, [&](int a, int b) {
      const int length_a = m.count[index(a)];
      const int length_b = m.count[index(b)];
      return length_a != length_b ? length_a > length_b : a < b;
    });
  }
  for (i64 row = 0; row < call.batch; ++row) m.length[index(row)] = m.count[index(order[index(row)])];
  m.running = call.batch > 0 ? m.length[0] : 0;
  m.shortest = call.batch > 0 ? m.length[index(call.batch - 1)] : 0;
  m.all_rows = m.rows_before(m.running);
  find_times(call, m);
}

void bind_gates(const Plan& plan, Memory& m) {
  m.gate_block = m.batch * plan.slot_run();
  m.gate.step = m.gate_block * plan.blocks();
  if (m.gates.empty()) return;  // no step runs
  for (i64 row = 0; row < m.batch; ++row) m.gate.at[index(row)] = m.gates.data() + row * plan.slot_run();
}

/// h0 in training, for the way back too: by then the final state may have taken the caller's place.
void copy_initial_output(const Plan& plan, const Call& call, Memory& m) {
  if (call.initial[0] == nullptr) return;
  for (i64 row = 0; row < m.batch; ++row) {
    std::copy_n(call.initial[0] + i64{m.order[index(row)]} * plan.width(),
                plan.width(),
                m.h_first.data() + row * plan.width());
  }
}

void bind_initial_output(const Plan& plan, const Call& call, Memory& m) {
  m.initial_output = call.initial[0] != nullptr;
  std::ranges::fill(m.zeros, 0.0F);
  for (i64 row = 0; row < m.batch; ++row) {
    m.h0.at[index(row)] = !m.initial_output ? m.zeros.data()
                          : m.training      ? m.h_first.data() + row * plan.width()
                                            : call.initial[0] + i64{m.order[index(row)]} * plan.width();
  }
}

void load_initial_states(const Plan& plan, const Call& call, Memory& m) {
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

/// The input, and factors and memory of the operands that dropout changes.
void bind_operands(const Plan& plan, const Call& call, Memory& m) {
  m.x_factor = call.x_dropout;
  m.drops_x = call.x_dropout != nullptr;
  m.drops_h = call.h_dropout != nullptr;
  if (m.drops_x) {
    m.x_rows.step = m.batch * plan.input();
    for (i64 row = 0; row < m.batch; ++row) m.x_rows.at[index(row)] = m.x_dropped.data() + row * plan.input();
  } else {
    m.x_steps = std::numeric_limits<i64>::max();  // no turns in the caller's memory
    bind_sequence(plan, call.x, m, m.x_rows);
  }
  if (!m.drops_h) return;
  bind_buffer(m.h_dropped, plan.width(), m, m.h_dropped_rows);
  for (i64 row = 0; row < m.batch; ++row)
    m.h_factor[index(row)] = call.h_dropout + i64{m.order[index(row)]} * plan.width();
}

}  // namespace

void bind_rows(const Plan& plan, const Call& call, Memory& m) noexcept {
  m.steps = call.steps;
  m.batch = call.batch;
  m.x = call.x;
  m.reverse = plan.recurrence().reverse;
  sort_rows(call, m);
  bind_gates(plan, m);
  bind_initial_output(plan, call, m);
  bind_operands(plan, call, m);
  m.two_steps = call.y.data == nullptr && !m.training;
  if (call.y.data != nullptr && !m.scattered) {
    bind_sequence(plan, call.y, m, m.y);
  } else {
    bind_buffer(m.h, plan.width(), m, m.y);
  }
  m.state_step = m.training ? m.batch * plan.padded() : 0;
  for (int p = 1; p < plan.cell().phases; ++p)
    bind_buffer(m.operands[p - 1], plan.padded(), m, m.operand[p - 1]);
  if (plan.projected()) bind_buffer(m.unprojected, plan.padded(), m, m.before_projection);
}

void bind_forward(
    const Plan& plan, const Call& call, const Execution& execution, bool training, Memory& m) noexcept {
  m.training = training;
  m.keep = training && m.room.keep == Keep::gates;
  clear_mark(m);
  const i64 step_gates = std::max<i64>(call.batch, 1) * plan.blocks() * plan.slot_run();
  i64 most = static_cast<i64>(m.gates.size()) / step_gates;
  if (call.x_dropout != nullptr)
    most =
        std::min(most, static_cast<i64>(m.x_dropped.size()) / (std::max<i64>(call.batch, 1) * plan.input()));
  const i64 wanted = execution.chunk > 0 ? execution.chunk : chunk_rows / std::max<i64>(call.batch, 1) + 1;
  m.chunk = std::max<i64>(1, std::min(wanted, most));
  m.gate_steps = m.keep ? std::max<i64>(call.steps, 1) : m.chunk;
  m.operand_steps = m.keep ? m.gate_steps : 1;
  m.x_steps = m.chunk;
  m.dropped_steps = 2;
  bind_rows(plan, call, m);
  if (training) copy_initial_output(plan, call, m);
  load_initial_states(plan, call, m);
  if (m.drops_h) drop_outputs(plan, {0, 1}, {0, m.running > 0 ? m.active(0) : 0}, m);
  bind_attention(plan, call, m);
  bind_extras(plan, call, m);
}

}  // namespace recurra
