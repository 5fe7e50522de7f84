/// A model's passes: forward, backward, and one update of the weights.
#include <algorithm>
#include <cmath>

#include "recurra/base/error.h"
#include "recurra/training/trainable_model.h"

namespace recurra {

GraphRun::Pass TrainableModel::run_for(Pass pass) const {
  return {pass == Pass::training, seed_, updates_done_, execution_};
}

TensorList TrainableModel::forward(const BatchView& batch, Pass pass) {
  check_model_inputs(batch);
  const bool masked = batch.mask != nullptr || !batch.lengths.empty();
  if (batch.mask != nullptr) {
    const std::span<const std::uint8_t> given = batch.mask->as<std::uint8_t>();
    const std::span<std::uint8_t> counts = mask_.assign(batch.rows(), batch.x->shape()[1]);
    std::ranges::transform(given, counts.begin(), [](std::uint8_t value) { return value != 0 ? 1 : 0; });
  } else if (masked) {
    mask_.assign(batch.lengths, batch.x->shape()[1]);
  }
  inputs_.assign(1, batch.x);
  for (const Tensor& more : batch.more_x) inputs_.push_back(&more);
  outputs_ = graph_.forward(inputs_, masked ? &mask_ : nullptr, run_for(pass));
  return outputs_;
}

void TrainableModel::backward() {
  d_outputs_.clear();
  for (const OutputGoal& goal : goals_)
    d_outputs_.push_back(goal.loss() != nullptr ? &goal.gradient() : nullptr);
  graph_.backward(d_outputs_, run_for(Pass::training));
}

std::string TrainableModel::Step::place() const {
  if (epoch < 0) return " in train_on_batch";
  return " at step " + std::to_string(number + 1) + " of epoch " + std::to_string(epoch + 1);
}

/// Whatever is thrown, weights are those before it.
TrainableModel::StepResult TrainableModel::update(const BatchView& batch, const Step& step) {
  keep_statistics();
  try {
    const StepResult result = try_update(batch, step);
    ++updates_done_;
    return result;
  } catch (...) {
    restore_statistics();
    throw;
  }
}

TrainableModel::StepResult TrainableModel::try_update(const BatchView& batch, const Step& step) {
  check_batch(batch);
  require_rows(batch);
  static_cast<void>(forward(batch, Pass::training));
  const double loss = compute_loss(batch, step.class_weight, true);
  if (!std::isfinite(loss)) {
    if (step.on_non_finite == NonFinitePolicy::error)
      throw Error(ErrorCode::non_finite, "loss", "a finite number", std::to_string(loss) + step.place());
    if (step.on_non_finite == NonFinitePolicy::skip_step) {
      restore_statistics();
      return {loss, false, false};
    }
  }
  count_metrics(batch);
  backward();
  return {loss, true, take_step(step)};
}

bool TrainableModel::take_step(const Step& step) {
  for (Parameter* parameter : trainable_) {
    if (parameter->regularizer == nullptr) continue;
    parameter->regularizer->add_gradient(parameter->value, 1.0, parameter->gradient);
  }
  if (!optimizer_->step(trainable_)) {
    if (step.on_non_finite == NonFinitePolicy::error) fail_for_gradient(step);
    if (step.on_non_finite == NonFinitePolicy::skip_step) restore_statistics();
    return false;
  }
  for (Parameter* parameter : trainable_) {
    if (parameter->constraint != nullptr) parameter->constraint->apply(parameter->value);
  }
  weights_changed();
  return true;
}

void TrainableModel::fail_for_gradient(const Step& step) const {
  for (const auto& layer : layers_) {
    for (const Parameter* parameter : layer->parameters()) {
      if (!parameter->trainable) continue;
      const std::span<const float> values = parameter->gradient.as<float>();
      const auto bad = std::ranges::find_if(values, [](float value) { return !std::isfinite(value); });
      if (bad == values.end()) continue;
      const std::string index = std::to_string(bad - values.begin());
      throw Error(ErrorCode::non_finite,
                  layer->name() + "/" + parameter->name + ".gradient[" + index + "]",
                  "a finite number",
                  std::to_string(*bad) + step.place());
    }
  }
  // Finite squares of f32 do not overflow in double, so one of them was found above.
  throw Error(ErrorCode::non_finite, "gradient", "finite numbers", "another" + step.place());
}

/// Of stateful layers the states, too: what a step that is not taken has seen, the next one must not go on
/// from.
void TrainableModel::keep_statistics() {
  for (const auto& layer : layers_)
    for (CarriedStates* carried : layer->carried_states()) carried->keep();
  for (Statistic& statistic : statistics_)
    std::ranges::copy(statistic.parameter->value.as<float>(), statistic.kept.data());
}

void TrainableModel::restore_statistics() {
  for (const auto& layer : layers_)
    for (CarriedStates* carried : layer->carried_states()) carried->restore();
  for (Statistic& statistic : statistics_)
    std::ranges::copy(statistic.kept.as<float>(), statistic.parameter->value.data());
  weights_changed();
}

double TrainableModel::train_on_batch(const Tensor& x, const Tensor& y, std::span<const int> lengths) {
  require_compiled();
  const BatchView batch(x, &y, lengths);
  check_batch(batch);
  build_for_shape(shape_of_example(x), seed_);
  const double loss = update(batch, {}).loss;
  forget_run();
  return loss;
}

double TrainableModel::train_on_batch(const Examples& batch) {
  require_compiled();
  check_examples(batch, "batch");
  build_for_shape(shape_of_example(batch.x), seed_);
  const double loss = update(BatchView(batch), {}).loss;
  forget_run();
  return loss;
}

}  // namespace recurra
