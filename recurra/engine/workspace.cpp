#include "recurra/engine/workspace.h"

#include <algorithm>
#include <limits>
#include <string>

#include "recurra/base/error.h"
#include "recurra/base/shape.h"
#include "recurra/engine/memory.h"

namespace recurra {

namespace {

/// Product of sizes, checked.
i64 product(std::initializer_list<i64> sizes) {
  i64 result = 1;
  for (const i64 size : sizes) result = checked_multiply(result, size, "workspace");
  return result;
}

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

void take_memory(const Plan& plan, const Room& room, Memory& m) {
  const auto [steps, batch, training, masks, dropout] = room;
  const CellKernels& cell = plan.cell();
  const i64 padded = plan.padded();
  const i64 row = product({batch, padded});
  const i64 kept = training ? steps : 1;
  const i64 all = product({steps, batch});
  m.gate_rows_room = std::max(m.gate_rows_room, training ? all : std::min(all, batch + chunk_rows));
  m.gates.grow(product({m.gate_rows_room, plan.blocks(), plan.slot_run()}));
  m.h.grow(product({training || masks ? steps : 2, batch, plan.width()}));
  if (dropout) {
    m.x_dropped.grow(product({steps, batch, plan.input()}));
    m.h_dropped.grow(product({training ? steps + 1 : 2, batch, plan.width()}));
  }
  for (int k = 1; k < cell.states; ++k) m.states[k - 1].grow(product({training ? steps + 1 : 1, row}));
  for (int p = 1; p < cell.phases; ++p) m.operands[p - 1].grow(product({kept, row}));
  if (plan.projected()) m.unprojected.grow(product({kept, row}));
  if (cell.attention) m.attention.grow(all);
  m.zeros.grow(std::max<i64>(padded, plan.width()));
  if (!training) return;
  if (masks) m.dy_gathered.grow(product({steps, batch, plan.width()}));
  const i64 width = i64{plan.width_panels().count} * plan.width_panels().width;
  for (int k = 0; k < cell.states; ++k) m.d_states[k].grow(row);
  if (cell.attention) m.d_attention.grow(product({all, plan.blocks(), cell.vectors}));
  if (plan.projected()) m.d_projection.grow(product({steps, batch, width}));
  m.h_first.grow(product({batch, plan.width()}));
  m.d_output.grow(product({batch, std::max(width, padded)}));
  m.sums.grow(sum_size(plan));
  m.row_kept.grow(product({steps, batch, cell.rows.kept}));
  m.row_sums.grow(product({batch, cell.rows.sums, padded}));
}

void take_tables(const Plan& plan, const Room& room, Memory& m) {
  const auto [steps, batch, training, masks, dropout] = room;
  const auto rows = static_cast<std::size_t>(batch);
  const auto counted = static_cast<std::size_t>(steps) + 1;
  const auto all = static_cast<std::size_t>(product({steps, batch}));
  for (std::vector<int>* table : {&m.order, &m.length, &m.begin, &m.count}) table->resize(rows);
  if (masks) m.times.resize(all);
  for (std::vector<int>* table : {&m.active, &m.counts}) table->resize(counted);
  m.first.resize(counted);
  for (Rows<const float>* table : {&m.h0, &m.dy}) table->at.resize(rows);
  for (Rows<float>* table : {&m.y, &m.gate, &m.before_projection, &m.d_proj, &m.d_h0}) table->at.resize(rows);
  if (dropout) {
    m.h_dropped_rows.at.resize(rows);
    m.h_factor.resize(rows);
  }
  m.x_all.resize(all);
  m.gate_all.resize(all);
  for (int p = 1; p < plan.cell().phases; ++p) {
    m.operand[p - 1].at.resize(rows);
    if (training) m.operand_all[p - 1].resize(all);
  }
  if (!training) return;
  m.h_all.resize(all);
  m.dx_all.resize(all);
  m.unprojected_all.resize(plan.projected() ? all : 0);
  m.d_proj_all.resize(plan.projected() ? all : 0);
}

}  // namespace

bool contains(const Room& room, const Room& asked) noexcept {
  return asked.steps <= room.steps && asked.batch <= room.batch && (room.training || !asked.training) &&
         (room.masks || !asked.masks) && (room.dropout || !asked.dropout);
}

Room united(const Room& a, const Room& b) noexcept {
  return {std::max(a.steps, b.steps),
          std::max(a.batch, b.batch),
          a.training || b.training,
          a.masks || b.masks,
          a.dropout || b.dropout};
}

Workspace::Workspace() : memory_(std::make_unique<Memory>()) {}

Workspace::~Workspace() = default;
Workspace::Workspace(Workspace&&) noexcept = default;
Workspace& Workspace::operator=(Workspace&&) noexcept = default;

const Report& Workspace::report() const noexcept {
  return memory_->report;
}

void Workspace::prepare(const Plan& plan, Room room) {
  Memory& m = *memory_;
  constexpr i64 most = std::numeric_limits<int>::max();  // rows and steps are counted in int
  if (room.steps < 0 || room.batch < 0 || room.steps > most || room.batch > most) {
    throw Error(ErrorCode::invalid_argument,
                "workspace",
                "steps and batch from 0 to 2147483647",
                std::to_string(room.steps) + " and " + std::to_string(room.batch));
  }
  if (m.plan == plan && contains(m.room, room)) return;
  if (m.plan != plan) m = Memory{};
  room = united(room, m.room);
  m.plan.reset();    // stays so where memory ends half-way
  m.filled = false;  // what a forward left is in the memory given up
  take_memory(plan, room, m);
  Room inference = room;
  inference.training = false;
  if (room.training) take_memory(plan, inference, m);
  take_tables(plan, room, m);
  m.plan = plan;
  m.room = room;
}

}  // namespace recurra
