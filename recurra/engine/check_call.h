/// What a call must be for either way; behind these checks nothing throws.
///
/// Private to the library.
#pragma once

#include "recurra/engine/memory.h"

namespace recurra {

/// Throws Error (invalid_argument) on lengths outside 0 to `steps`; null: none.
void check_lengths(const int* lengths, i64 steps, i64 batch);

/// Throws Error as the engine's forward does of its call, `training` also for the way back.
void check_call(
    const Plan& plan, const Call& call, const Execution& execution, bool training, const Memory& memory);

}  // namespace recurra
