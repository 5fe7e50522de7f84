#include "recurra/training/rnn_stack_conversion.h"

#include <algorithm>
#include <iterator>
#include <span>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/layers/rnn_stack_layers.h"

namespace recurra {

namespace {

/// The layers of a new model, gathered one after the other.
struct Gathered {
  ModelSpec spec;
  std::vector<Tensor> weights;
  std::vector<std::string> changes;

  void keep(Layer& layer) {
    spec.layers.push_back({layer.type(), layer.config().dump()});
    for (const Parameter* parameter : layer.parameters()) weights.push_back(parameter->value);
  }

  /// Takes what has become of the layers called `from`.
  void take(LayersWithWeights made, const std::string& from) {
    std::string names;
    for (const ModelSpec::LayerSpec& layer : made.layers) {
      const auto name = nlohmann::json::parse(layer.config).at("name").get<std::string>();
      names.append(names.empty() ? "" : ", ").append(name);
    }
    changes.push_back(std::string(from).append(" -> ").append(names));
    std::ranges::move(made.layers, std::back_inserter(spec.layers));
    std::ranges::move(made.weights, std::back_inserter(weights));
  }
};

void require_built(const Sequential& model) {
  if (!model.built())
    throw Error(ErrorCode::invalid_argument, model.name(), "a model that is built", "one that is not");
}

ConvertedModel finished(const Sequential& model,
                        Gathered gathered,
                        const char* needed,
                        const std::string& why) {
  if (gathered.changes.empty()) throw Error(ErrorCode::invalid_argument, model.name(), needed, why);
  gathered.spec.name = model.name();
  return {model.rebuilt(gathered.spec, gathered.weights), std::move(gathered.changes)};
}

std::string types_of(const Sequential& model) {
  std::string types;
  for (const auto& layer : model.layers()) types.append(types.empty() ? "" : ", ").append(layer->type());
  return types;
}

}  // namespace

ConvertedModel split_rnn_stacks(const Sequential& model) {
  require_built(model);
  Gathered gathered;
  for (const auto& layer : model.layers()) {
    if (auto* stack = dynamic_cast<OptimizedRnnStack*>(layer.get())) {
      gathered.take(split_rnn_stack(*stack), stack->name());
    } else {
      gathered.keep(*layer);
    }
  }
  return finished(model, std::move(gathered), "a model with an OptimizedRNNStack", types_of(model));
}

ConvertedModel join_rnn_stacks(const Sequential& model) {
  require_built(model);
  Gathered gathered;
  std::vector<Layer*> layers;
  for (const auto& layer : model.layers()) layers.push_back(layer.get());
  std::string reasons;
  for (std::span<Layer* const> rest = layers; !rest.empty();) {
    const StackReach reach = stack_reach(rest);
    if (reach.layers == 0) {
      gathered.keep(*rest[0]);
      reasons.append(reasons.empty() ? "" : "; ").append(rest[0]->name()).append(": ").append(reach.obstacle);
      rest = rest.subspan(1);
      continue;
    }
    std::string from;
    for (const Layer* layer : rest.first(reach.layers))
      from.append(from.empty() ? "" : ", ").append(layer->name());
    const std::size_t number = gathered.changes.size();
    const std::string name = number == 0 ? "rnn_stack" : "rnn_stack_" + std::to_string(number);
    gathered.take(join_rnn_stack(rest.first(reach.layers), name), from);
    rest = rest.subspan(reach.layers);
  }
  return finished(model, std::move(gathered), "a model with recurrent layers that can be a stack", reasons);
}

}  // namespace recurra
