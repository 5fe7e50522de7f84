#include "recurra/training/metric_set.h"

#include "recurra/base/error.h"

namespace recurra {

namespace {

using Metrics = std::vector<std::unique_ptr<Metric>>;

Metrics made(const std::vector<std::string>& names, const MetricOptions& options) {
  Metrics metrics;
  for (const std::string& name : names) metrics.push_back(make_metric(name, options));
  return metrics;
}

std::vector<std::string> names_of(const Metrics& metrics) {
  std::vector<std::string> names;
  for (const auto& metric : metrics) names.push_back(metric->name());
  return names;
}

}  // namespace

MetricSet::MetricSet(const std::vector<std::string>& metrics,
                     const std::vector<std::string>& weighted_metrics,
                     const MetricOptions& options)
    : metrics_(made(metrics, options)), weighted_(made(weighted_metrics, options)) {}

void MetricSet::reset() noexcept {
  for (const auto& metric : metrics_) metric->reset();
  for (const auto& metric : weighted_) metric->reset();
}

void MetricSet::update(const Tensor& output,
                       const Tensor& target,
                       const SampleWeights& masked,
                       const SampleWeights& weighted) {
  for (const auto& metric : metrics_) metric->update(output, target, masked);
  for (const auto& metric : weighted_) metric->update(output, target, weighted);
}

void MetricSet::add_to(std::map<std::string, double>& logs) const {
  for (const auto& metric : metrics_) logs[metric->name()] = metric->value();
  for (const auto& metric : weighted_) {
    const bool taken = logs.contains(metric->name());
    logs[taken ? std::string("weighted_").append(metric->name()) : metric->name()] = metric->value();
  }
}

std::vector<MetricState> MetricSet::states() const {
  std::vector<MetricState> states;
  for (const auto& metric : metrics_) states.push_back(metric->state());
  for (const auto& metric : weighted_) states.push_back(metric->state());
  return states;
}

void MetricSet::set_states(std::span<const MetricState> states) {
  const std::size_t count = metrics_.size() + weighted_.size();
  if (states.size() != count) {
    throw Error(ErrorCode::invalid_argument,
                "metrics",
                std::to_string(count) + " states",
                std::to_string(states.size()));
  }
  for (std::size_t i = 0; i < count; ++i) {
    Metric& metric = i < metrics_.size() ? *metrics_[i] : *weighted_[i - metrics_.size()];
    metric.set_state(states[i]);
  }
}

std::vector<std::string> MetricSet::names() const {
  return names_of(metrics_);
}

std::vector<std::string> MetricSet::weighted_names() const {
  return names_of(weighted_);
}

}  // namespace recurra
