/// Gradients of all weights as products over many steps, after the way back.
///
/// Private to the library.
#pragma once

#include "recurra/engine/memory.h"
#include "recurra/engine/packed_weights.h"

namespace recurra {

/// This member's share of the gradients `out` names, by outputs: no sum is split. `accumulate` adds to them.
void weight_gradients(const Plan& plan,
                      const PackedWeights& weights,
                      const WeightGradients& out,
                      bool accumulate,
                      Memory& memory,
                      Crew& crew) noexcept;

}  // namespace recurra
