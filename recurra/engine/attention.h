/// The attention of a call: one number a step and row, on its way to the cells and its gradient back.
///
/// Private to the library.
#pragma once

#include "recurra/engine/memory.h"

namespace recurra {

/// Throws Error (invalid_argument) where the cell needs an attention and the call has none, or the other way
/// round.
void check_attention(const Plan& plan, const Call& call);

/// Puts it in the order of processing.
void bind_attention(const Plan& plan, const Call& call, Memory& memory) noexcept;

/// Throws Error (invalid_argument) where a gradient is asked for that the cell does not have.
void check_attention_gradient(const Plan& plan, const BackwardCall& back);

/// The caller's gradient: over the units in one order; 0 where a step does not count.
void finish_attention_gradient(const Plan& plan, const BackwardCall& back, const Memory& memory) noexcept;

}  // namespace recurra
