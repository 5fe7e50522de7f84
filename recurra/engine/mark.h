/// What a training forward writes into the kept memory, so that its backward, which may be a call of another
/// workspace, knows what it finds there.
///
/// Private to the library.
#pragma once

#include "recurra/engine/memory.h"

namespace recurra {

/// Says in the kept memory which plan, room and call filled it.
void mark_filled(const Plan& plan, const Call& call, Memory& memory) noexcept;

/// Nothing in the kept memory is to be trusted.
void clear_mark(Memory& memory) noexcept;

/// Throws Error (invalid_argument) unless a training forward of this plan, room and number of steps and rows
/// filled the kept memory, and no backward used it.
void check_filled(const Plan& plan, const Call& call, const Memory& memory);

/// Throws Error (invalid_argument), naming the field, where that forward's call had other steps that count
/// (lengths, mask, fill), or had something this one has not, or the other way round.
void check_same_call(const Call& call, const Memory& memory);

}  // namespace recurra
