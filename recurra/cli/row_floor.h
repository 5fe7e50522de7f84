/// The least time of a row of a benchmark that the machine's speed allows.
#pragma once

#include "recurra/cli/machine_speed.h"
#include "recurra/cli/row_run.h"

namespace recurra::cli {

/// What a time is held against: seconds of one run on the threads that were measured, the larger of
///
///   - all multiply-adds of the products at the measured peak;
///   - reading the recurrent weights once a step, in training once more on the way back, each layer's and
///     direction's from the caches they fit into. Where all is one step, that is all weights it needs.
///
/// In a batch of one the recurrent products share their weights with no other row and take the larger of the
/// two; what can be done for many steps at once, the input products and in training the gradients of weights
/// and input, comes on top at the peak. Only who multiplies while weights come can be faster than that.
///
/// A first step into which no states come, in modes infer and train, has no recurrent product. Activations,
/// the cells' pointwise steps and waiting count nothing.
[[nodiscard]] double floor_seconds(const Row& row, const StackPlan& plan, const MachineSpeed& speed);

}  // namespace recurra::cli
