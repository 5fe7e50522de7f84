/// What the environment variable RECURRA_SCHEDULE says of how calls run.
///
/// Private to the library.
#pragma once

#include <string_view>

#include "recurra/engine/call.h"

namespace recurra {

/// What is forced; what is not is automatic.
struct ForcedSchedule {
  bool one = false;  ///< recurrent calls that leave the schedule open on their calling thread
  Schedule schedule = Schedule::automatic;
  Directions directions = Directions::automatic;
  Layers layers = Layers::automatic;
  i64 wave = 0;  ///< as Execution::wave
};

/// Words, separated by commas, at most one of each group: one, rows, units; together, in_turn; wavefront,
/// wavefront:STEPS, layer_by_layer. Empty: nothing is forced. Throws Error (invalid_argument), subject
/// "RECURRA_SCHEDULE", on anything else.
[[nodiscard]] ForcedSchedule parse_schedule(std::string_view text);

/// What RECURRA_SCHEDULE says, read at the first use. Throws as parse_schedule, at every use.
[[nodiscard]] const ForcedSchedule& forced_schedule();

/// `execution`, where what it leaves automatic is what is forced. Throws as forced_schedule.
[[nodiscard]] Execution with_forced(const Execution& execution);

}  // namespace recurra
