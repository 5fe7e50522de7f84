/// The memory a call works in, taken once and used again.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "recurra/engine/call.h"
#include "recurra/engine/plan.h"

namespace recurra {

struct Memory;

/// What a training forward keeps of every step. The bits of no gradient depend on it.
enum class Keep {
  gates,   ///< gates and states
  states,  ///< states alone; the way back makes the gates again, which takes the time of another forward
};

/// The calls a workspace is to have room for.
struct Room {
  i64 steps = 0;
  i64 batch = 0;
  bool training = false;  ///< calls with a way back, for which `keep` of all steps is kept
  bool masks = false;     ///< calls with a mask, or with lengths and Fill::repeat
  bool dropout = false;   ///< calls with dropout
  bool takes_y = false;   ///< no call without y: h of all steps then needs no memory of the workspace's
  Keep keep = Keep::gates;
  bool states = false;          ///< calls with the further states of every step, or their gradients
  bool zoneout = false;         ///< calls with zoneout of the output
  bool zoneout_states = false;  ///< calls with zoneout of further states
};

/// Bytes of the two memories of a workspace. Of every step and row the kept one has, for every unit (rounded
/// up to whole vectors), a float for each slot and each state of the cell: 6 for one of four slots and two
/// states. Keep::states leaves out the slots, Room::takes_y the output, so that with both one state of the
/// two is left. More than that have
///
/// - a projection: the output is as wide as that, but h before it is kept beside, unless by Keep::states;
/// - cells of several phases: what each hands to the next one's product, likewise;
/// - cells whose rows are finished whole: the moments of the rows, likewise;
/// - Room::zoneout_states: each state but the output once more;
/// - Room::masks: the output, in spite of Room::takes_y.
///
/// Of every row there are the initial states too.
///
/// Without masks, the scratch of inference does not grow with the steps. With masks it does: by a number and
/// pointers a step and row, and by the output, since steps between which others do not count are processed in
/// memory of ours.
struct MemoryBytes {
  i64 kept = 0;     ///< what the way back needs of a training forward, from the one to the other; else 0
  i64 scratch = 0;  ///< of no use between calls
};

/// Alignment of both memories, in bytes.
inline constexpr i64 workspace_alignment = cache_line;

/// Whether calls that need `asked` have it in `room`.
[[nodiscard]] bool contains(const Room& room, const Room& asked) noexcept;

/// Room for the calls of both.
[[nodiscard]] Room united(const Room& a, const Room& b) noexcept;

/// Memory for calls of one plan up to some number of steps and rows. After `prepare` a call allocates
/// nothing. A workspace serves one call at a time; threads that share a plan each have their own.
class RECURRA_API Workspace {
 public:
  Workspace();
  ~Workspace();
  Workspace(Workspace&&) noexcept;
  Workspace& operator=(Workspace&&) noexcept;
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  /// What `prepare` needs. Throws Error (invalid_argument) on sizes outside 0 to 2^31 - 1 or overflow.
  [[nodiscard]] static MemoryBytes bytes(const Plan& plan, const Room& room);

  /// Makes room, in one piece of memory. Does nothing where there is enough; adds `room` to what there is for
  /// the same plan. Throws as `bytes`, and std::bad_alloc.
  void prepare(const Plan& plan, Room room);

  /// Works in memory of the caller's, which must stay until other memory is given: `kept` unchanged from a
  /// training forward to its backward, which may be calls of two workspaces prepared alike; `scratch` only
  /// within a call. Neither needs to hold anything at first. Throws as `bytes`, and Error (invalid_argument)
  /// on memory that is too small or not at a multiple of workspace_alignment.
  void prepare(const Plan& plan, const Room& room, std::span<std::byte> kept, std::span<std::byte> scratch);

  /// What the last call did.
  [[nodiscard]] const Report& report() const noexcept;

  /// The engine's own view.
  [[nodiscard]] Memory& memory() noexcept { return *memory_; }

 private:
  std::unique_ptr<Memory> memory_;
};

}  // namespace recurra
