/// The memory of a stack: that of its recurrences, which share one scratch, and what lies between the layers.
#include <algorithm>
#include <string>

#include "recurra/base/error.h"
#include "recurra/engine/arena.h"
#include "recurra/engine/memory.h"
#include "recurra/engine/stack.h"

namespace recurra {

namespace {

/// Below the top a layer always has memory for its output.
Room room_of(const StackPlan& plan, int layer, Room room) {
  room.takes_y = room.takes_y || layer + 1 < plan.layers();
  return room;
}

/// The largest scratch of a recurrence.
i64 run_scratch(const StackPlan& plan, const Room& room) {
  i64 most = 0;
  for (int layer = 0; layer < plan.layers(); ++layer) {
    for (int direction = 0; direction < plan.directions(); ++direction) {
      const MemoryBytes bytes = Workspace::bytes(plan.plan(layer, direction), room_of(plan, layer, room));
      most = std::max(most, bytes.scratch);
    }
  }
  return most;
}

}  // namespace

MemoryBytes StackWorkspace::lay_out(const StackPlan& plan,
                                    const Room& room,
                                    std::byte* kept,
                                    std::byte* scratch) {
  Arena for_back(kept);
  Arena rest(scratch);
  const bool real = kept != nullptr || scratch != nullptr;
  const int layers = plan.layers();
  directions_ = plan.directions();
  runs_.resize(plan.plans().size());
  outputs_.assign(static_cast<std::size_t>(layers), {});
  sums_.assign(static_cast<std::size_t>(layers), {});
  std::span<std::byte> run_scratches[2];
  const i64 scratch_bytes = run_scratch(plan, room);
  for (int direction = 0; direction < directions_; ++direction)
    rest.take(scratch_bytes, run_scratches[direction]);
  Arena& between = room.training ? for_back : rest;
  const i64 rows = product({room.steps, room.batch});
  i64 widest = plan.plan(0, 0).input();
  for (int layer = 0; layer < layers; ++layer) {
    const Room own = room_of(plan, layer, room);
    for (int direction = 0; direction < directions_; ++direction) {
      const Plan& one = plan.plan(layer, direction);
      std::span<std::byte> run_kept;
      for_back.take(Workspace::bytes(one, own).kept, run_kept);
      if (real) run(layer * directions_ + direction).prepare(one, own, run_kept, run_scratches[direction]);
    }
    const auto at = static_cast<std::size_t>(layer);
    const i64 side_by_side = i64{plan.plan(layer, 0).width()} * directions_;
    // The top layer writes to the caller, unless there is something to be added first.
    if (layer + 1 < layers || plan.adds(layer)) between.take(product({rows, side_by_side}), outputs_[at]);
    if (plan.adds(layer) && layer + 1 < layers) between.take(product({rows, plan.width(layer)}), sums_[at]);
    widest = std::max(widest, side_by_side);
  }
  if (room.training) {
    for (int side = 0; side < 2 && layers > 1; ++side) rest.take(product({rows, widest}), gradients_[side]);
    for (int direction = 0; direction < directions_ && plan.attention(); ++direction)
      rest.take(rows, attention_gradients_[direction]);
    for (int direction = 0; direction < directions_ && room.states; ++direction)
      rest.take(product({rows, widest}), output_gradients_[direction]);
    if (directions_ == 2) rest.take(product({rows, widest}), other_gradient_);
  }
  return {for_back.used(), rest.used()};
}

MemoryBytes StackWorkspace::bytes(const StackPlan& plan, const Room& room) {
  StackWorkspace counted;
  return counted.lay_out(plan, room, nullptr, nullptr);
}

void StackWorkspace::prepare(const StackPlan& plan, const Room& asked) {
  const bool same = plan_ == plan;
  if (same && contains(room_, asked)) return;
  const Room room = same && !given_ ? united(room_, asked) : asked;
  const MemoryBytes need = bytes(plan, room);
  plan_.reset();  // stays so where memory ends half-way
  own_.grow((need.kept + need.scratch) / static_cast<i64>(sizeof(float)));
  auto* start = reinterpret_cast<std::byte*>(own_.data());
  std::fill_n(start, need.kept, std::byte{});  // what a forward left for another room is lost
  lay_out(plan, room, start, start + need.kept);
  given_ = false;
  room_ = room;
  plan_ = plan;
}

void StackWorkspace::prepare(const StackPlan& plan,
                             const Room& room,
                             std::span<std::byte> kept,
                             std::span<std::byte> scratch) {
  const MemoryBytes need = bytes(plan, room);
  check_memory(kept, need.kept, "kept memory");
  check_memory(scratch, need.scratch, "scratch");
  plan_.reset();
  own_ = {};
  lay_out(plan, room, kept.data(), scratch.data());
  given_ = true;
  room_ = room;
  plan_ = plan;
}

void StackWorkspace::check(const StackPlan& plan, const StackCall& call) const {
  const bool ours = plan_ == plan;
  if (ours && call.steps <= room_.steps && call.batch <= room_.batch) return;
  const auto text = [](i64 steps, i64 batch) {
    return std::to_string(steps) + " steps and " + std::to_string(batch) + " rows";
  };
  throw Error(ErrorCode::invalid_argument,
              "workspace",
              "one prepared for this plan, " + text(call.steps, call.batch),
              ours ? text(room_.steps, room_.batch) : "one that is not");
}

}  // namespace recurra
