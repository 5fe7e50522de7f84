#include "recurra/engine/workspace.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

#include "recurra/base/error.h"
#include "recurra/base/shape.h"
#include "recurra/engine/mark.h"

namespace recurra {

namespace {

void check_sizes(const Room& room) {
  constexpr i64 most = std::numeric_limits<int>::max();  // rows and steps are counted in int
  if (room.steps >= 0 && room.batch >= 0 && room.steps <= most && room.batch <= most) return;
  throw Error(ErrorCode::invalid_argument,
              "workspace",
              "steps and batch from 0 to 2147483647",
              std::to_string(room.steps) + " and " + std::to_string(room.batch));
}

}  // namespace

void check_memory(std::span<std::byte> memory, i64 bytes, const char* subject) {
  const bool aligned = reinterpret_cast<std::uintptr_t>(memory.data()) % workspace_alignment == 0;
  if (aligned && static_cast<i64>(memory.size()) >= bytes) return;
  throw Error(ErrorCode::invalid_argument,
              subject,
              std::to_string(bytes) + " bytes at a multiple of " + std::to_string(workspace_alignment),
              std::to_string(memory.size()) + (aligned ? " bytes" : " bytes at another address"));
}

bool contains(const Room& room, const Room& asked) noexcept {
  return asked.steps <= room.steps && asked.batch <= room.batch && (room.training || !asked.training) &&
         (room.masks || !asked.masks) && (room.dropout || !asked.dropout) &&
         (asked.takes_y || !room.takes_y) &&
         (!asked.training || asked.keep == Keep::states || room.keep == Keep::gates) &&
         (room.states || !asked.states) && (room.zoneout || !asked.zoneout) &&
         (room.zoneout_states || !asked.zoneout_states);
}

Room united(const Room& a, const Room& b) noexcept {
  const auto keeps_gates = [](const Room& room) {
    return room.training && room.keep == Keep::gates;
  };
  return {std::max(a.steps, b.steps),
          std::max(a.batch, b.batch),
          a.training || b.training,
          a.masks || b.masks,
          a.dropout || b.dropout,
          a.takes_y && b.takes_y,
          keeps_gates(a) || keeps_gates(b) ? Keep::gates : Keep::states,
          a.states || b.states,
          a.zoneout || b.zoneout,
          a.zoneout_states || b.zoneout_states};
}

Workspace::Workspace() : memory_(std::make_unique<Memory>()) {}

Workspace::~Workspace() = default;
Workspace::Workspace(Workspace&&) noexcept = default;
Workspace& Workspace::operator=(Workspace&&) noexcept = default;

const Report& Workspace::report() const noexcept {
  return memory_->report;
}

MemoryBytes Workspace::bytes(const Plan& plan, const Room& room) {
  check_sizes(room);
  Memory counted;
  return lay_out(plan, room, nullptr, nullptr, counted);
}

void Workspace::prepare(const Plan& plan, Room room) {
  check_sizes(room);
  Memory& m = *memory_;
  if (m.plan == plan && contains(m.room, room)) return;
  if (m.plan == plan && !m.given) room = united(room, m.room);
  const MemoryBytes need = bytes(plan, room);
  const i64 floats = checked_add(need.kept, need.scratch, "workspace") / static_cast<i64>(sizeof(float));
  m.plan.reset();  // stays so where memory ends
  AlignedBuffer<float> own = std::move(m.own);
  own.grow(floats);
  m.own = std::move(own);
  auto* start = reinterpret_cast<std::byte*>(m.own.data());
  lay_out(plan, room, start, start + need.kept, m);
  clear_mark(m);  // what a forward left for another room is lost
  m.given = false;
  m.plan = plan;
  m.room = room;
}

void Workspace::prepare(const Plan& plan,
                        const Room& room,
                        std::span<std::byte> kept,
                        std::span<std::byte> scratch) {
  const MemoryBytes need = bytes(plan, room);
  check_memory(kept, need.kept, "kept memory");
  check_memory(scratch, need.scratch, "scratch");
  Memory& m = *memory_;
  m.own = {};
  m.plan.reset();
  lay_out(plan, room, kept.data(), scratch.data(), m);
  m.given = true;
  m.plan = plan;
  m.room = room;
}

}  // namespace recurra
