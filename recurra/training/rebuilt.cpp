/// A model made of another one's parts.
#include <nlohmann/json.hpp>

#include "recurra/training/sequential.h"

namespace recurra {

void TrainableModel::take_training_of(const TrainableModel& other) {
  metadata_ = other.metadata_;
  epochs_done_ = other.epochs_done_;
  updates_done_ = other.updates_done_;
  execution_ = other.execution_;
  if (!other.is_compiled()) return;
  std::vector<OutputLoss> outputs;
  for (const OutputGoal& goal : other.goals_) {
    std::unique_ptr<Loss> loss;
    if (goal.loss() != nullptr) loss = make_loss_from_config(goal.loss()->config());
    outputs.push_back(
        {std::move(loss), goal.metrics().names(), goal.metrics().weighted_names(), goal.weight()});
  }
  compile_outputs(make_optimizer_from_config(other.optimizer_in_use()->config()), std::move(outputs));
}

Sequential Sequential::rebuilt(const ModelSpec& spec, const std::vector<Tensor>& weights) const {
  require_built("rebuilt");
  Sequential model(spec);
  model.build(input_shape(), seed());
  model.set_weights(weights);
  model.take_training_of(*this);
  return model;
}

}  // namespace recurra
