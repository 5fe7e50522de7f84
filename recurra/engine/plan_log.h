/// RECURRA_LOG=plan: what schedule was chosen for a call and what each would have cost, a line to stderr for
/// every plan and sizes, none twice; no more than 1024 of them.
///
/// Private to the library.
#pragma once

#include "recurra/engine/cost.h"
#include "recurra/engine/stack.h"

namespace recurra {

/// Whether RECURRA_LOG is "plan". Throws Error (invalid_argument) where it is set to anything else but "".
[[nodiscard]] bool logs_plans();

/// A pass over one recurrence, under `chosen`, of at most `threads`.
void log_split(
    const Plan& plan, const PassShape& shape, const Split& chosen, int threads, int panels) noexcept;

/// The directions of a layer.
struct DirectionChoice {
  int threads;
  bool together;
  double cost_together, cost_in_turn;  // ns
};

void log_directions(const Plan& plan, const PassShape& shape, const DirectionChoice& choice) noexcept;

/// The layers of a stack.
struct WaveChoice {
  int threads;
  i64 steps;  // of a chunk of the wavefront; 0: in turn
  double cost_wavefront, cost_in_turn;
};

void log_wave(const StackPlan& plan, const StackCall& call, bool back, const WaveChoice& choice) noexcept;

}  // namespace recurra
