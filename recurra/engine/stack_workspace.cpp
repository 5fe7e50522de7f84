/// The memory of a stack: that of its recurrences, which share one scratch, and what lies between the layers.
#include <algorithm>
#include <string>

#include "recurra/base/error.h"
#include "recurra/base/shape.h"
#include "recurra/engine/arena.h"
#include "recurra/engine/memory.h"
#include "recurra/engine/stack.h"

namespace recurra {

namespace {

// Rows of a chunk that goes through all layers: enough that waking threads and binding memory cost nothing
// beside its products, few enough that what lies between the layers stays in a cache.
constexpr i64 chunk_rows_of_stack = 512;

// Of a chunk of a wavefront: enough for its input products to be made together.
constexpr i64 chunk_rows_of_wave = 128;

/// Whether a layer's outputs are not the caller's memory.
bool has_outputs(const StackPlan& plan, int layer) {
  return layer + 1 < plan.layers() || plan.adds(layer);
}

/// Such a layer always has memory for its output, but for the top one in inference, whose may not be wanted.
Room room_of(const StackPlan& plan, int layer, Room room) {
  const bool below = layer + 1 < plan.layers();
  room.takes_y = room.takes_y || below || (room.training && plan.adds(layer));
  return room;
}

/// Whether layers may begin before those below have ended, and there is something between them.
bool goes_in_chunks(const StackPlan& plan, const Room& room) {
  if (room.training || room.masks) return false;
  const bool crosses = plan.directions() == 2 && !plan.independent() && plan.layers() > 1;
  return !crosses && has_outputs(plan, 0);
}

/// Whether layers may be at work at once. In training the chunks are of one call over all steps.
bool goes_in_waves(const StackPlan& plan, const Room& room) {
  return plan.directions() == 1 && plan.layers() > 1 && (room.training || !room.masks);
}

/// Tells apart what stacks of the same recurrences make of these. No small number, as memory often holds.
i64 number_of(const StackPlan& plan) {
  const i64 bits = (plan.directions() == 2 ? 1 : 0) + (plan.adds(plan.layers() - 1) ? 2 : 0) +
                   (plan.independent() ? 4 : 0);
  return 0x5EC0'77A5'71AC'0000 + plan.layers() * 8 + bits;
}

i64 side_by_side(const StackPlan& plan, int layer) {
  return i64{plan.plan(layer, 0).width()} * plan.directions();
}

i64 run_scratch(const StackPlan& plan, const Room& room, int layer, int direction) {
  return Workspace::bytes(plan.plan(layer, direction), room_of(plan, layer, room)).scratch;
}

/// Takes the scratch of every recurrence, ordered as the plans: one piece for each that may be at work at
/// once with others, the largest.
std::vector<std::span<std::byte>> take_run_scratch(const StackPlan& plan, const Room& room, Arena& scratch) {
  std::vector<std::span<std::byte>> runs(plan.plans().size());
  i64 most = 0;
  for (int layer = 0; layer < plan.layers(); ++layer) {
    for (int d = 0; d < plan.directions(); ++d) most = std::max(most, run_scratch(plan, room, layer, d));
  }
  if (goes_in_waves(plan, room)) {
    for (int layer = 0; layer < plan.layers(); ++layer)
      scratch.take(run_scratch(plan, room, layer, 0), runs[static_cast<std::size_t>(layer)]);
    return runs;
  }
  for (int d = 0; d < plan.directions(); ++d) {
    std::span<std::byte> shared;
    scratch.take(most, shared);
    for (std::size_t run = static_cast<std::size_t>(d); run < runs.size();
         run += static_cast<std::size_t>(plan.directions()))
      runs[run] = shared;
  }
  return runs;
}

}  // namespace

void StackWorkspace::take_between(const StackPlan& plan, const Room& room, Arena& kept, Arena& scratch) {
  const i64 all = product({room.steps, room.batch});
  const i64 rows = chunk_rows_ > 0 ? chunk_rows_ : all;
  // In inference two layers' outputs take turns, unless of the lower one only a sum is left.
  const auto next_turn = [&](int layer, int turn) {
    return plan.adds(layer) ? 0 : 1 - turn;
  };
  i64 widths[2] = {};
  i64 sum_width = 0;
  for (int layer = 0, turn = 0; layer < plan.layers(); turn = next_turn(layer++, turn)) {
    i64& width = widths[turn];
    if (has_outputs(plan, layer)) width = std::max(width, side_by_side(plan, layer));
    if (plan.adds(layer) && layer + 1 < plan.layers()) sum_width = std::max(sum_width, plan.width(layer));
  }
  std::span<float> turns[2];
  if (!room.training) {
    // A call in a wavefront does not need the memory in which layers take turns.
    Arena counted(nullptr);
    Arena counted_waves(nullptr);
    for (int side = 0; side < 2; ++side) counted.take(product({rows, widths[side]}), turns[side]);
    take_wave_outputs(plan, counted_waves);
    std::span<std::byte> memory;
    scratch.take(std::max(counted.used(), counted_waves.used()), memory);
    Arena in_turn(memory.data());
    for (int side = 0; side < 2; ++side) in_turn.take(product({rows, widths[side]}), turns[side]);
    Arena at_once(memory.data());
    take_wave_outputs(plan, at_once);
  }
  outputs_.assign(static_cast<std::size_t>(plan.layers()), {});
  for (int layer = 0, turn = 0; layer < plan.layers(); turn = next_turn(layer++, turn)) {
    if (!has_outputs(plan, layer)) continue;
    std::span<float>& outputs = outputs_[static_cast<std::size_t>(layer)];
    outputs = turns[turn];
    if (room.training) kept.take(product({all, side_by_side(plan, layer)}), outputs);
  }
  scratch.take(product({rows, sum_width}), sums_);
}

void StackWorkspace::take_carried(const StackPlan& plan, const Room& room, Arena& scratch) {
  carried_.clear();
  lengths_.assign(plan.plans().size(), {});
  if (chunk_rows_ == 0) return;
  carried_.resize(plan.plans().size() * max_states);
  for (std::size_t i = 0; i < plan.plans().size(); ++i) {
    const Plan& one = plan.plans()[i];
    for (int k = 0; k < one.cell().states; ++k) {
      const i64 width = k == 0 ? one.width() : one.units();
      scratch.take(product({room.batch, width}), carried_[i * max_states + static_cast<std::size_t>(k)]);
    }
  }
  for (std::span<int>& lengths : lengths_) scratch.take(room.batch, lengths);
}

void StackWorkspace::take_wave_outputs(const StackPlan& plan, Arena& scratch) {
  wave_outputs_.assign(static_cast<std::size_t>(plan.layers()), {});
  for (int layer = 0; layer + 1 < plan.layers() && wave_rows_ > 0; ++layer)
    scratch.take(product({2, wave_rows_, plan.width(layer)}), wave_outputs_[static_cast<std::size_t>(layer)]);
}

MemoryBytes StackWorkspace::lay_out(const StackPlan& plan,
                                    const Room& room,
                                    std::byte* kept,
                                    std::byte* scratch) {
  const i64 rows = product({room.steps, room.batch});
  Arena for_back(kept);
  Arena rest(scratch);
  const bool real = kept != nullptr || scratch != nullptr;
  const int layers = plan.layers();
  directions_ = plan.directions();
  runs_.resize(plan.plans().size());
  mark_ = {};
  if (room.training) for_back.take(1, mark_);
  chunk_rows_ = goes_in_chunks(plan, room) ? std::min(rows, room.batch + chunk_rows_of_stack) : 0;
  wave_rows_ = !goes_in_waves(plan, room) ? 0
               : room.training            ? rows
                                          : std::min(rows, room.batch + chunk_rows_of_wave);
  const std::vector<std::span<std::byte>> run_scratches = take_run_scratch(plan, room, rest);
  i64 widest = plan.plan(0, 0).input();
  for (int layer = 0; layer < layers; ++layer) {
    const Room own = room_of(plan, layer, room);
    for (int direction = 0; direction < directions_; ++direction) {
      const Plan& one = plan.plan(layer, direction);
      std::span<std::byte> run_kept;
      for_back.take(Workspace::bytes(one, own).kept, run_kept);
      const int index = layer * directions_ + direction;
      if (real) run(index).prepare(one, own, run_kept, run_scratches[static_cast<std::size_t>(index)]);
    }
    widest = std::max(widest, side_by_side(plan, layer));
  }
  take_between(plan, room, for_back, rest);
  take_carried(plan, room, rest);
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

i64 StackWorkspace::chunk_steps(const StackCall& call) const noexcept {
  const i64 most = std::max<i64>(call.steps, 1);
  return chunk_rows_ > 0 ? std::clamp<i64>(chunk_rows_ / std::max<i64>(call.batch, 1), 1, most) : most;
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
  own_.grow(checked_add(need.kept, need.scratch, "workspace") / static_cast<i64>(sizeof(float)));
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

void StackWorkspace::mark_filled(const StackPlan& plan) noexcept {
  mark_[0] = number_of(plan);
}

void StackWorkspace::check_filled(const StackPlan& plan) const {
  if (!mark_.empty() && mark_[0] == number_of(plan)) return;
  throw Error(ErrorCode::invalid_argument,
              "workspace",
              "one filled by a training forward of this call, unused",
              "none");
}

}  // namespace recurra
