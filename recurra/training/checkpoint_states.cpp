#include "recurra/training/checkpoint_states.h"

#include <algorithm>

namespace recurra {

namespace {

std::string name_of_state(const Layer& layer, std::size_t number) {
  return "states/" + layer.name() + "/" + std::to_string(number);
}

/// Of all layers that it is made of together.
std::size_t state_count(Layer& layer) {
  std::size_t count = 0;
  for (const CarriedStates* carried : layer.carried_states()) count += carried->count();
  return count;
}

}  // namespace

void add_states(const std::vector<std::shared_ptr<Layer>>& layers, WeightTable& table) {
  for (const auto& layer : layers) {
    if (state_count(*layer) == 0) continue;
    const std::vector<Tensor> states = layer->states();
    for (std::size_t k = 0; k < states.size(); ++k) table.add(name_of_state(*layer, k), states[k]);
  }
}

void take_states(const std::vector<std::shared_ptr<Layer>>& layers, const WeightTable& table) {
  for (const auto& layer : layers) {
    std::vector<Tensor> states;
    for (std::size_t k = 0; k < state_count(*layer); ++k) {
      const std::string name = name_of_state(*layer, k);
      if (table.contains(name)) states.push_back(table.at(name));
    }
    if (!states.empty()) layer->set_states(states);
  }
}

bool is_state(const std::vector<std::shared_ptr<Layer>>& layers, const std::string& name) {
  return std::ranges::any_of(layers, [&](const auto& layer) {
    for (std::size_t k = 0; k < state_count(*layer); ++k)
      if (name == name_of_state(*layer, k)) return true;
    return false;
  });
}

}  // namespace recurra
