#include "recurra/training/output_goal.h"

#include <cmath>

#include "recurra/base/error.h"
#include "recurra/base/shortest.h"

namespace recurra {

namespace {

MetricOptions options_for(const Loss* loss) {
  MetricOptions options;
  options.from_logits = loss != nullptr && loss->from_logits();
  return options;
}

}  // namespace

OutputGoal::OutputGoal(OutputLoss parts)
    : loss_(std::move(parts.loss)),
      weight_(parts.weight),
      metrics_(parts.metrics, parts.weighted_metrics, options_for(loss_.get())) {
  if (!std::isfinite(weight_))
    throw Error(ErrorCode::invalid_argument, "weight of a loss", "a finite number", shortest(weight_));
}

double OutputGoal::compute(const Given& given, bool with_gradient) {
  SampleWeightSources sources;
  if (given.mask != nullptr && given.output.shape().rank() > 2) {
    sources.mask = {given.mask->data(), static_cast<std::size_t>(given.mask->batch() * given.mask->steps())};
  }
  const bool weighted = given.sample_weights != nullptr || given.class_weight != nullptr;
  masked_ = {};
  if (weighted && metrics_.has_unweighted())
    masked_ = mask_weights_.build(given.output, given.target, sources);
  sources.sample_weight = given.sample_weights;
  sources.class_weight = given.class_weight;
  all_ = sample_weights_.build(given.output, given.target, sources);
  if (!weighted) masked_ = all_;
  last_loss_ = loss_->compute(given.output, given.target, all_, with_gradient ? &gradient_ : nullptr);
  if (weight_ == 1.0) return last_loss_;
  if (with_gradient)
    for (float& value : gradient_.as<float>()) value *= static_cast<float>(weight_);
  return last_loss_ * weight_;
}

void OutputGoal::count(const Given& given) {
  metrics_.update(given.output, given.target, masked_, all_);
  const auto rows = static_cast<double>(given.output.shape()[0]);
  state_.sum += last_loss_ * rows;
  state_.count += rows;
}

void OutputGoal::reset() noexcept {
  metrics_.reset();
  state_ = {};
}

double OutputGoal::mean_loss() const noexcept {
  return state_.count > 0.0 ? state_.sum / state_.count : 0.0;
}

}  // namespace recurra
