/// The passes behind forward and backward, between binding and finishing, for who runs several at once.
#pragma once

#include "recurra/engine/engine.h"
#include "recurra/engine/memory.h"
#include "recurra/engine/schedule.h"

namespace recurra {

/// A recurrence with what a call of it needs; `back` is null on the way forward.
struct Pass {
  const Plan* plan = nullptr;
  const PackedWeights* weights = nullptr;
  const Call* call = nullptr;
  const BackwardCall* back = nullptr;
  Memory* memory = nullptr;
};

/// Checks the call and binds its memory. Throws as forward and backward.
void begin_forward(const Pass& pass, bool training, const Execution& execution);
void begin_backward(const Pass& pass, const Execution& execution);

/// One member's share of the work.
void run_forward(const Pass& pass, const Split& split, Crew& crew) noexcept;
void run_backward(const Pass& pass, const Split& split, Crew& crew) noexcept;

/// Gradients that are final only when the whole crew is done.
void finish_gradients(const Pass& pass) noexcept;

/// Runs what was begun on the execution's team, and finishes it.
void run_alone(const Pass& pass, const Execution& execution) noexcept;

/// As run_alone, two passes at once, each on half of the team.
void run_together(const Pass& first, const Pass& second, const Execution& execution) noexcept;

/// Whether the two are done sooner at once than one after the other: each on threads of its own, which find
/// its weights in their caches.
[[nodiscard]] bool run_better_together(const Pass& first,
                                       const Pass& second,
                                       const Execution& execution) noexcept;

}  // namespace recurra
