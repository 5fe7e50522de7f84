/// What a pass would take under each schedule, from its sizes, the caches and constants of the target.
///
/// The costs choose between schedules and predict nothing else: what all have in common may be missing.
///
/// Private to the library.
#pragma once

#include "recurra/engine/plan.h"
#include "recurra/engine/schedule.h"

namespace recurra {

/// Sizes of one pass over a recurrence.
struct PassShape {
  i64 steps = 0;     ///< of the longest row
  i64 rows = 0;      ///< at the first step
  i64 all_rows = 0;  ///< rows times steps that count
  bool back = false;
};

/// The pass of a call that is bound.
[[nodiscard]] PassShape shape_of(const Memory& memory, bool back) noexcept;

/// Nanoseconds of a pass under `split`, without waking threads. `streams`: threads that read memory besides.
[[nodiscard]] double pass_cost(const Plan& plan,
                               const PassShape& shape,
                               const Split& split,
                               int streams = 0) noexcept;

/// Whether a pass is long enough for a second thread to be woken.
[[nodiscard]] bool is_worth_a_thread(const Plan& plan, const PassShape& shape) noexcept;

/// Nanoseconds to have `threads` work and to know that they are done.
[[nodiscard]] double waking_cost(int threads) noexcept;

/// The cheapest split over at most `threads`. `panels`: how finely units can be split in this pass.
[[nodiscard]] Split cheapest_split(
    const Plan& plan, const PassShape& shape, int threads, int panels, int streams = 0) noexcept;

/// Nanoseconds to bind a call, or to go from one task of a wavefront to the next.
[[nodiscard]] double task_cost() noexcept;

}  // namespace recurra
