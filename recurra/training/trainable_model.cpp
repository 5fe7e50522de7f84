#include "recurra/training/trainable_model.h"

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"

namespace recurra {

void TrainableModel::append(std::shared_ptr<Layer> layer) {
  const auto taken = [&](const std::string& name) {
    return std::ranges::any_of(layers_, [&](const auto& other) { return other->name() == name; });
  };
  const std::string base = layer->name();
  for (int number = 1; taken(layer->name()); ++number) layer->rename(base + "_" + std::to_string(number));
  layers_.push_back(std::move(layer));
}

void TrainableModel::set_graph(GraphPlan plan, std::uint64_t seed, std::vector<std::string> output_names) {
  graph_ = GraphRun(std::move(plan));
  output_names_ = std::move(output_names);
  seed_ = seed;
  for (const auto& layer : layers_) {
    for (Parameter* parameter : layer->parameters()) {
      if (parameter->trainable) trainable_.push_back(parameter);
      // A layer that does not learn leaves its statistics, too.
      if (!parameter->trainable && layer->trainable())
        statistics_.push_back({parameter, Tensor(parameter->value.shape())});
    }
  }
}

void TrainableModel::compile(std::unique_ptr<Optimizer> optimizer,
                             std::unique_ptr<Loss> loss,
                             const std::vector<std::string>& metrics,
                             const std::vector<std::string>& weighted_metrics) {
  std::vector<OutputLoss> outputs;
  outputs.push_back({std::move(loss), metrics, weighted_metrics});
  compile_outputs(std::move(optimizer), std::move(outputs));
}

void TrainableModel::compile_outputs(std::unique_ptr<Optimizer> optimizer, std::vector<OutputLoss> outputs) {
  require_not_in_fit("compile");
  const std::size_t expected = built() ? plan().outputs.size() : 1;
  if (outputs.size() != expected) {
    throw Error(ErrorCode::invalid_argument,
                name_ + ".compile",
                std::to_string(expected) + " losses, one an output",
                std::to_string(outputs.size()));
  }
  std::vector<OutputGoal> goals;
  for (OutputLoss& output : outputs) goals.emplace_back(std::move(output));
  if (resuming_ && resumed_optimizer_ == nullptr) resumed_optimizer_ = std::move(optimizer_);
  if (!resuming_) forget_run();  // the optimizer that it would go on with is gone
  optimizer_ = std::move(optimizer);
  goals_ = std::move(goals);
}

bool TrainableModel::is_compiled() const noexcept {
  const auto is_trained = [](const OutputGoal& goal) {
    return goal.loss() != nullptr;
  };
  return optimizer_ != nullptr && std::ranges::any_of(goals_, is_trained);
}

void TrainableModel::require_compiled() const {
  if (is_compiled()) return;
  throw Error(ErrorCode::invalid_argument, name_, "a compiled model: call compile first", "one not compiled");
}

std::vector<Parameter*> TrainableModel::parameters() const {
  std::vector<Parameter*> all;
  for (const auto& layer : layers_) {
    const std::vector<Parameter*> own = layer->parameters();
    all.insert(all.end(), own.begin(), own.end());
  }
  return all;
}

void TrainableModel::require_not_in_fit(const char* what) const {
  if (in_fit_)
    throw Error(ErrorCode::invalid_argument, name_ + "." + what, "a call outside fit", "one within");
}

void TrainableModel::weights_changed() {
  for (const auto& layer : layers_) layer->parameters_changed();
}

/// The weights are no longer those of a run that was stopped. One that runs goes on with what its hook made
/// of them.
void TrainableModel::forget_run() {
  if (in_fit_) return;
  run_.reset();
  resuming_ = false;
  resumed_optimizer_.reset();
}

void TrainableModel::parameters_changed() {
  weights_changed();
  forget_run();
}

void TrainableModel::reset_states() {
  for (const auto& layer : layers_)
    for (CarriedStates* carried : layer->carried_states()) carried->reset();
}

std::vector<Tensor> TrainableModel::get_weights() const {
  std::vector<Tensor> weights;
  for (const Parameter* parameter : parameters()) weights.push_back(parameter->value);
  return weights;
}

void TrainableModel::set_weights(const std::vector<Tensor>& weights) {
  const std::vector<Parameter*> all = parameters();
  if (weights.size() != all.size()) {
    throw Error(ErrorCode::invalid_argument,
                name_ + ".set_weights",
                std::to_string(all.size()) + " weights",
                std::to_string(weights.size()));
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string subject = "weights[" + std::to_string(i) + "] for " + all[i]->name;
    if (weights[i].dtype() != Dtype::f32)
      throw Error(ErrorCode::dtype, subject, "f32", std::string(name_of(weights[i].dtype())));
    if (weights[i].shape() != all[i]->value.shape()) {
      throw Error(ErrorCode::shape,
                  subject,
                  "shape " + all[i]->value.shape().to_string(),
                  weights[i].shape().to_string());
    }
  }
  for (std::size_t i = 0; i < all.size(); ++i)
    std::ranges::copy(weights[i].as<float>(), all[i]->value.data());
  parameters_changed();
}

Layer& TrainableModel::get_layer(const std::string& name) const {
  std::string names;
  for (const auto& layer : layers_) {
    if (layer->name() == name) return *layer;
    names.append(names.empty() ? "" : ", ").append(layer->name());
  }
  throw Error(ErrorCode::unsupported, name_ + ".get_layer", names, name);
}

i64 TrainableModel::count_params() const {
  if (!built()) {
    throw Error(ErrorCode::invalid_argument, name_ + ".count_params", "a built model", "one without weights");
  }
  i64 count = 0;
  for (const Parameter* parameter : parameters()) count += parameter->value.size();
  return count;
}

}  // namespace recurra
