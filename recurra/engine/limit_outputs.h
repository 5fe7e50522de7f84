/// The bound of an output behind a projection.
///
/// Private to the library.
#pragma once

#include "recurra/engine/memory.h"
#include "recurra/engine/schedule.h"

namespace recurra {

/// Limits the outputs of step `step`, where the plan has a bound; NaN stays.
void limit_outputs(const Plan& plan, const Memory& memory, i64 step, Range rows, Range columns) noexcept;

/// The gradients of what became these outputs, from theirs: 0 where the bound holds, NaN where the output is.
void limit_output_gradients(
    const Plan& plan, const Memory& memory, i64 step, Range rows, Range columns) noexcept;

/// Columns of the output that a member's panels make.
[[nodiscard]] inline Range output_columns(const Plan& plan, Range panels) noexcept {
  const int width = plan.width_panels().width;
  return {panels.first * width, std::min(panels.last * width, plan.width())};
}

}  // namespace recurra
