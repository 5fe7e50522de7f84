/// Which region of memory lies where: one walk over all of them counts the bytes and gives the places.
#include <limits>

#include "recurra/base/error.h"
#include "recurra/engine/arena.h"
#include "recurra/engine/memory.h"

namespace recurra {

namespace {

/// Floats of all gradient sums: bias, W, every phase's U, P and params.
i64 sum_size(const Plan& plan) {
  const CellKernels& cell = plan.cell();
  const i64 padded = plan.padded();
  i64 size = product({cell.input.count, padded, i64{plan.input()} + 1}) + cell.params * padded;
  for (int p = 0; cell.dense && p < cell.phases; ++p)
    size += product({cell.phase[p].count, padded, plan.operand(p)});
  const Panels& width = plan.width_panels();
  return size + (plan.projected() ? product({width.count, width.width, plan.units()}) : 0);
}

/// Rows of all steps.
i64 all_rows(const Room& room) {
  return product({room.steps, room.batch});
}

/// Pointers of a table of bind_steps.
i64 step_rows(const Room& room) {
  return room.masks ? all_rows(room) : room.batch;
}

/// Rows of a chunk of the way forward, and of `chunks` of the way back. Fewer steps than a chunk has may be
/// all.
i64 forward_rows(const Room& room) {
  return std::min(all_rows(room), room.batch + chunk_rows);
}

i64 backward_rows(const Room& room, int chunks) {
  return std::min(all_rows(room), chunks * (room.batch + back_chunk_rows));
}

/// Gates, and what else is as long as they are kept: of all steps, or of chunks that take turns.
void take_gates(const Plan& plan, i64 rows, i64 operand_rows, Arena& arena, Memory& m) {
  arena.take(product({rows, plan.blocks(), plan.slot_run()}), m.gates);
  for (int p = 1; p < plan.cell().phases; ++p)
    arena.take(product({operand_rows, plan.padded()}), m.operands[p - 1]);
  if (plan.projected()) arena.take(product({operand_rows, plan.padded()}), m.unprojected);
  arena.take(product({operand_rows, plan.cell().rows.kept}), m.row_kept);
}

/// The further states before their zoneout.
void take_fresh(const Plan& plan, const Room& room, i64 rows, Arena& arena, Memory& m) {
  for (int k = 1; room.zoneout_states && k < plan.cell().states; ++k)
    arena.take(product({rows, plan.padded()}), m.extras.fresh[k - 1]);
}

/// What the way back needs of a training forward.
void take_kept(const Plan& plan, const Room& room, Arena& kept, Memory& m) {
  kept.take(static_cast<i64>(workspace_alignment / sizeof(i64)), m.mark);
  kept.take(product({room.batch, plan.width()}), m.h_first);
  for (int k = 1; k < plan.cell().states; ++k)
    kept.take(product({room.steps + 1, room.batch, plan.padded()}), m.states[k - 1]);
  if (!room.takes_y || room.masks) kept.take(product({all_rows(room), plan.width()}), m.h);
  if (room.keep == Keep::gates) take_gates(plan, all_rows(room), all_rows(room), kept, m);
  take_fresh(plan, room, all_rows(room), kept, m);
}

/// What a forward without a way back has of h and the states.
void take_running(const Plan& plan, const Room& room, Arena& scratch, Memory& m) {
  for (int k = 1; k < plan.cell().states; ++k)
    scratch.take(product({room.batch, plan.padded()}), m.states[k - 1]);
  if (!room.takes_y || room.masks)
    scratch.take(product({room.masks ? room.steps : 2, room.batch, plan.width()}), m.h);
  take_gates(plan, forward_rows(room), room.batch, scratch, m);
  if (plan.finishes_rows()) take_fresh(plan, room, room.batch, scratch, m);
}

void take_gradients(const Plan& plan, const Room& room, Arena& scratch, Memory& m) {
  const i64 padded = plan.padded();
  const i64 width = i64{plan.width_panels().count} * plan.width_panels().width;
  for (int k = 0; k < plan.cell().states; ++k) scratch.take(product({room.batch, padded}), m.d_states[k]);
  if (plan.projected()) scratch.take(product({backward_rows(room, 2), width}), m.d_projection);
  scratch.take(product({room.batch, std::max(width, padded)}), m.d_output);
  scratch.take(sum_size(plan), m.sums);
  scratch.take(product({room.batch, plan.cell().rows.sums, padded}), m.row_sums);
  if (room.masks) scratch.take(product({all_rows(room), plan.width()}), m.dy_gathered);
  if (plan.cell().attention)
    scratch.take(product({all_rows(room), plan.blocks(), plan.cell().vectors}), m.d_attention);
}

void take_dropout(const Plan& plan, const Room& room, Arena& scratch, Memory& m) {
  const i64 back = room.training ? backward_rows(room, 1) : 0;
  scratch.take(product({std::max(forward_rows(room), back), plan.input()}), m.x_dropped);
  scratch.take(product({std::max(2 * room.batch, back), plan.width()}), m.h_dropped);
  scratch.take(room.batch, m.h_factor);
  scratch.take(room.batch, m.h_dropped_rows.at);
}

/// Zoneout and states of every step.
void take_extras(const Plan& plan, const Room& room, Arena& scratch, Memory& m) {
  ExtraTables& e = m.extras;
  for (int k = 0; k < plan.cell().states; ++k) {
    if (k == 0 ? room.zoneout : room.zoneout_states) scratch.take(step_rows(room), e.zoneout[k].at);
    if (k == 0 || !room.states) continue;
    scratch.take(step_rows(room), e.states[k - 1].at);
    if (!room.training) continue;
    scratch.take(step_rows(room), e.d_states[k - 1].at);
    if (room.masks) scratch.take(product({all_rows(room), plan.units()}), e.gathered[k - 1]);
  }
}

void take_tables(const Plan& plan, const Room& room, Arena& scratch, Memory& m) {
  for (std::span<int>* table : {&m.order, &m.length, &m.begin, &m.count}) scratch.take(room.batch, *table);
  if (room.masks) scratch.take(all_rows(room), m.times);
  for (Rows<const float>* table : {&m.h0, &m.dy, &m.x_rows}) scratch.take(room.batch, table->at);
  for (Rows<float>* table : {&m.y, &m.gate, &m.before_projection, &m.d_proj, &m.d_h0, &m.dx_rows})
    scratch.take(room.batch, table->at);
  for (int p = 1; p < plan.cell().phases; ++p) scratch.take(room.batch, m.operand[p - 1].at);
}

}  // namespace

MemoryBytes lay_out(const Plan& plan, const Room& room, std::byte* kept, std::byte* scratch, Memory& m) {
  Arena for_back(kept);
  Arena rest(scratch);
  m.mark = {};
  for (std::span<float>& fresh : m.extras.fresh) fresh = {};
  if (room.training) {
    take_kept(plan, room, for_back, m);
    if (room.keep == Keep::states) {
      const i64 rows = std::max(forward_rows(room), backward_rows(room, 2));
      take_gates(plan, rows, std::max(room.batch, backward_rows(room, 2)), rest, m);
      rest.take(product({2, room.batch, plan.padded()}), m.unused);
      rest.take(room.batch, m.unused_rows.at);
    }
    take_gradients(plan, room, rest, m);
  } else {
    take_running(plan, room, rest, m);
  }
  rest.take(std::max<i64>(plan.padded(), plan.width()), m.zeros);
  if (room.dropout) take_dropout(plan, room, rest, m);
  if (plan.cell().attention) rest.take(step_rows(room), m.attention.at);
  take_tables(plan, room, rest, m);
  take_extras(plan, room, rest, m);
  if (for_back.used() > std::numeric_limits<i64>::max() - rest.used())
    static_cast<void>(product({rest.used(), for_back.used()}));
  return {for_back.used(), rest.used()};
}

}  // namespace recurra
