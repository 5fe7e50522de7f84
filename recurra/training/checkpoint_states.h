/// The states of stateful layers in a checkpoint: tensors `states/layer/number`, so that a run goes on with
/// them. Not for users of the library.
///
/// Private to the library.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "recurra/formats/weight_table.h"
#include "recurra/layers/layer.h"

namespace recurra {

/// Adds those of all layers that have been run.
void add_states(const std::vector<std::shared_ptr<Layer>>& layers, WeightTable& table);

/// Takes what add_states wrote. Throws Error: as Layer::set_states.
void take_states(const std::vector<std::shared_ptr<Layer>>& layers, const WeightTable& table);

/// Whether add_states for these layers may have written a tensor of this name.
[[nodiscard]] bool is_state(const std::vector<std::shared_ptr<Layer>>& layers, const std::string& name);

}  // namespace recurra
