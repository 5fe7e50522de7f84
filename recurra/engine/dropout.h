/// Operands times their dropout, for a chunk of steps.
///
/// Private to the library.
#pragma once

#include "recurra/engine/memory.h"
#include "recurra/engine/schedule.h"

namespace recurra {

/// The input of `steps` times its factors, of those of `rows` that run.
void drop_inputs(const Plan& plan, Steps steps, Range rows, Memory& memory) noexcept;

/// The same of the outputs before each of `steps`, the operands of its recurrent product.
void drop_outputs(const Plan& plan, Steps steps, Range rows, Memory& memory) noexcept;

}  // namespace recurra
