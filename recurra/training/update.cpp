/// Sequential's passes: forward, backward, and one update of the weights.
#include <algorithm>
#include <cmath>

#include "recurra/base/error.h"
#include "recurra/training/sequential.h"

namespace recurra {

Context Sequential::context_for(std::size_t layer, Pass pass) const {
  return {pass == Pass::training,
          masks_[layer],
          {.seed = seed_, .layer = static_cast<std::uint64_t>(layer), .update = updates_done_},
          execution_};
}

const Tensor& Sequential::forward(const BatchView& batch, Pass pass) {
  const bool masked = batch.mask != nullptr || !batch.lengths.empty();
  if (batch.mask != nullptr) {
    const std::span<const std::uint8_t> given = batch.mask->as<std::uint8_t>();
    const std::span<std::uint8_t> counts = mask_.assign(batch.rows(), batch.x->shape()[1]);
    std::ranges::transform(given, counts.begin(), [](std::uint8_t value) { return value != 0 ? 1 : 0; });
  } else if (masked) {
    mask_.assign(batch.lengths, batch.x->shape()[1]);
  }
  values_.assign(1, batch.x);
  masks_.assign(1, masked ? &mask_ : nullptr);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Context context = context_for(i, pass);
    values_.push_back(&layers_[i]->forward(*values_.back(), context));
    masks_.push_back(layers_[i]->output_mask(context));
  }
  return *values_.back();
}

void Sequential::backward(const Tensor& x, const Tensor& dy) {
  values_[0] = &x;
  const Tensor* d = &dy;
  for (std::size_t i = layers_.size(); i-- > 0;) {
    d = &layers_[i]->backward(*values_[i], *d, i > 0, context_for(i, Pass::training));
  }
}

/// What weights and outputs of the last forward cost beside the loss.
double Sequential::penalty() const {
  double sum = 0;
  for (const auto& layer : layers_) sum += layer->penalty();
  return sum;
}

Sequential::BatchWeights Sequential::weights_of(const Tensor& output,
                                                const BatchView& batch,
                                                const std::map<int, double>* class_weight) {
  const StepMask* mask = masks_.back();
  SampleWeightSources sources;
  if (mask != nullptr && output.shape().rank() > 2)
    sources.mask = {mask->data(), static_cast<std::size_t>(mask->batch() * mask->steps())};
  const bool weighted = batch.sample_weights != nullptr || class_weight != nullptr;
  if (!weighted) {
    const SampleWeights both = sample_weights_.build(output, *batch.y, sources);
    return {both, both};
  }
  BatchWeights weights;
  if (metrics_.has_unweighted()) weights.masked = mask_weights_.build(output, *batch.y, sources);
  sources.sample_weight = batch.sample_weights;
  sources.class_weight = class_weight;
  weights.all = sample_weights_.build(output, *batch.y, sources);
  return weights;
}

std::string Sequential::Step::place() const {
  if (epoch < 0) return " in train_on_batch";
  return " at step " + std::to_string(number + 1) + " of epoch " + std::to_string(epoch + 1);
}

/// Whatever is thrown, weights are those before it.
Sequential::StepResult Sequential::update(const BatchView& batch, const Step& step) {
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

Sequential::StepResult Sequential::try_update(const BatchView& batch, const Step& step) {
  check_batch(batch);
  require_rows(batch);
  const Tensor& output = forward(batch, Pass::training);
  const BatchWeights weights = weights_of(output, batch, step.class_weight);
  const double loss = loss_->compute(output, *batch.y, weights.all, &d_output_) + penalty();
  if (!std::isfinite(loss)) {
    if (step.on_non_finite == NonFinitePolicy::error)
      throw Error(ErrorCode::non_finite, "loss", "a finite number", std::to_string(loss) + step.place());
    if (step.on_non_finite == NonFinitePolicy::skip_step) {
      restore_statistics();
      return {loss, false, false};
    }
  }
  metrics_.update(output, *batch.y, weights.masked, weights.all);
  backward(*batch.x, d_output_);
  return {loss, true, take_step(step)};
}

bool Sequential::take_step(const Step& step) {
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

void Sequential::fail_for_gradient(const Step& step) const {
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
void Sequential::keep_statistics() {
  for (const auto& layer : layers_)
    for (CarriedStates* carried : layer->carried_states()) carried->keep();
  for (Statistic& statistic : statistics_)
    std::ranges::copy(statistic.parameter->value.as<float>(), statistic.kept.data());
}

void Sequential::restore_statistics() {
  for (const auto& layer : layers_)
    for (CarriedStates* carried : layer->carried_states()) carried->restore();
  for (Statistic& statistic : statistics_)
    std::ranges::copy(statistic.kept.as<float>(), statistic.parameter->value.data());
  weights_changed();
}

double Sequential::train_on_batch(const Tensor& x, const Tensor& y, std::span<const int> lengths) {
  require_compiled();
  const BatchView batch(x, &y, lengths);
  check_batch(batch);
  if (!built()) build(shape_of_example(x));
  const double loss = update(batch, {}).loss;
  forget_run();
  return loss;
}

double Sequential::train_on_batch(const Examples& batch) {
  require_compiled();
  check_examples(batch, "batch");
  if (!built()) build(shape_of_example(batch.x));
  const double loss = update(BatchView(batch), {}).loss;
  forget_run();
  return loss;
}

}  // namespace recurra
