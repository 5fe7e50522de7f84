/// What few calls have: zoneout, and the further states of every step with their gradients.
///
/// Private to the library.
#pragma once

#include <span>

#include "recurra/engine/call.h"
#include "recurra/engine/plan.h"
#include "recurra/engine/rows.h"
#include "recurra/engine/workspace.h"

namespace recurra {

/// Index 0 of states is state 1. memory_layout.cpp places the tables.
struct ExtraTables {
  Rows<const float> zoneout[max_states];       // factors of the old state
  Rows<float> states[max_states - 1];          // the caller's memory
  Rows<const float> d_states[max_states - 1];  // gradients from outside
  /// [step][row][padded]: before zoneout, kept for the way back; [row][padded] in inference, for cells whose
  /// rows are finished whole and read them again. Else empty.
  std::span<float> fresh[max_states - 1];
  std::span<float> gathered[max_states - 1];  // [step][row][units]: gradients of states and repetitions

  // What the call has.
  bool any = false;
  bool zones[max_states] = {};
  bool gives[max_states - 1] = {};
  bool takes[max_states - 1] = {};
};

/// Throws Error (invalid_argument) on states the cell does not have and zoneout of h before a projection.
void check_extras(const Plan& plan, const Call& call);

/// The same of the way back, and where the workspace has no room for gradients of states.
void check_extras(const Plan& plan, const BackwardCall& back, const Room& room);

/// Whether the call needs the rooms of these names.
[[nodiscard]] bool has_zoneout(const Call& call) noexcept;
[[nodiscard]] bool has_zoneout_states(const Call& call) noexcept;
[[nodiscard]] bool takes_states(const Call& call) noexcept;

/// Fills the tables.
void bind_extras(const Plan& plan, const Call& call, Memory& memory) noexcept;
void bind_extras_backward(const Plan& plan,
                          const Call& call,
                          const BackwardCall& back,
                          Memory& memory) noexcept;

/// A step's part of the tables.
[[nodiscard]] StepExtras step_extras(const Plan& plan, Memory& memory, i64 step) noexcept;

}  // namespace recurra
