/// The gates of a chunk made again on the way back, where the way forward kept the states alone.
///
/// Private to the library.
#pragma once

#include "recurra/engine/memory.h"
#include "recurra/engine/packed_weights.h"
#include "recurra/engine/schedule.h"

namespace recurra {

/// This member's share, `rows` of the chunk's: all blocks of units where rows are split, else its part of
/// them. With the units split the crew meets before every phase but the first, and at the end. As every
/// output is known, no step waits for another; the bits are those of the way forward.
void recompute_gates(const Plan& plan,
                     const PackedWeights& weights,
                     Steps chunk,
                     Range rows,
                     Schedule split,
                     Memory& memory,
                     Crew& crew) noexcept;

}  // namespace recurra
