/// One phase of one processed step as the kernels see it; the same memory on the way forward and back.
///
/// Private to the library.
#pragma once

#include <algorithm>

#include "recurra/engine/memory.h"
#include "recurra/engine/packed_weights.h"
#include "recurra/engine/schedule.h"

namespace recurra {

[[nodiscard]] inline StepArgs step_args(
    const Plan& plan, const PackedWeights& weights, Memory& m, i64 step, int phase) noexcept {
  StepArgs s{};
  s.units = plan.units();
  s.vectors = plan.blocks() * plan.cell().vectors;
  s.group = plan.unit_panels().vectors;
  s.keep = m.keep;
  s.gates = m.gate.at.data();
  s.gates_offset = m.gate_offset(step);
  s.gates_block = m.gate_block;
  s.params = weights.params.data();
  s.activations = plan.activations();
  s.clip = plan.clip();
  // A first step reads the caller's initial state, later ones the step before.
  s.h_old = step == 0 ? m.h0.at.data() : m.y.at.data();
  s.h_old_offset = step == 0 ? 0 : m.h_offset(step - 1);
  s.h_new = plan.projected() ? m.before_projection.at.data() : m.y.at.data();
  s.h_new_offset = plan.projected() ? m.before_projection_offset(step) : m.h_offset(step);
  for (int k = 1; k < plan.cell().states; ++k) {
    s.state_old[k - 1] = m.states[k - 1].data() + step * m.state_step;
    s.state_new[k - 1] = m.states[k - 1].data() + (step + 1) * m.state_step;
  }
  s.state_row = plan.padded();
  if (phase + 1 < plan.cell().phases) {
    s.operand = m.operand[phase].at.data();
    s.operand_offset = m.operand_offset(step, phase);
  }
  if (m.drops_h) {
    s.dropout = m.h_factor.data();
    s.h_dropped = m.h_dropped_rows.at.data();
    s.h_dropped_offset = m.dropped_offset(step + 1);
  }
  if (plan.cell().attention) {
    s.attention = m.attention.of(step);
    if (m.training) s.d_attention = m.d_attention.data() + step * m.batch * s.vectors;
  }
  s.has_extras = m.extras.any;
  if (s.has_extras) s.extras = step_extras(plan, m, step);
  for (int k = 0; m.training && k < plan.cell().states; ++k) s.d_state[k] = m.d_states[k].data();
  if (m.training && plan.finishes_rows()) {
    s.row_kept = m.row_kept.data() + turn_of(step, m.operand_steps) * m.batch * plan.cell().rows.kept;
    s.row_sums = m.row_sums.data();
    s.product = m.d_h0.at.data();
  }
  return s;
}

/// All of step `step` of one row as Target's row_step takes it.
[[nodiscard]] inline RowStepArgs row_step_args(
    const Plan& plan, const PackedWeights& weights, Memory& m, i64 step, int row, Range blocks) noexcept {
  RowStepArgs a{};
  a.step = step_args(plan, weights, m, step, 0);
  a.row = row;
  const StepRows<const float> x = m.x_at(step);
  a.x = x.at[row] + x.offset;
  a.inputs = plan.input();
  const StepRows<const float> h = m.operand_at(step);
  a.h = h.at[row] + h.offset;
  // No initial state, no product: the sum starts and ends with the input part.
  a.width = step == 0 && !m.initial_output ? 0 : plan.width();
  a.in = weights.in.data();
  a.bias = weights.bias.data();
  a.state = weights.state[0].data();
  a.first_block = blocks.first;
  a.last_block = blocks.last;
  a.descending = (step & 1) != 0;
  return a;
}

/// The same on the way back, where the new states are those the cell left: before their zoneout.
[[nodiscard]] inline StepArgs back_step_args(
    const Plan& plan, const PackedWeights& weights, Memory& m, i64 step, int phase) noexcept {
  StepArgs s = step_args(plan, weights, m, step, phase);
  for (int k = 1; s.has_extras && k < plan.cell().states; ++k) {
    if (s.extras.fresh[k - 1] != nullptr) s.state_new[k - 1] = s.extras.fresh[k - 1];
  }
  return s;
}

/// Those of a member's rows that still run at step `step`.
inline void set_rows(const Memory& m, Range rows, i64 step, ProductArgs& p) noexcept {
  const int active = m.active(step);
  p.first_row = rows.first < active ? rows.first : active;
  p.last_row = rows.last < active ? rows.last : active;
  p.product_rows = p.last_row;
}

/// The rows of step `step` that a member finishes whole: those of `own` that still run, or where the crew
/// splits units, an even part of all.
[[nodiscard]] inline Range whole_rows(
    const Memory& m, Range own, Schedule schedule, i64 step, const Crew& crew) noexcept {
  const int active = m.active(step);
  if (schedule == Schedule::units) return even_share(active, crew.index(), crew.count());
  return {std::min(own.first, active), std::min(own.last, active)};
}

/// The product over the rows' slots in `window` of step `step`: the operand of everything on the way back.
inline void gate_operand(
    const Plan& plan, const Memory& m, i64 step, Window window, ProductArgs& p) noexcept {
  p.a = m.gate.at.data();
  p.a_offset = m.gate_offset(step) + i64{window.first} * plan.run();
  p.segments = plan.blocks();
  p.segment = window.count * plan.run();
  p.segment_stride = m.gate_block;
}

}  // namespace recurra
