/// The metrics a model is compiled with.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "recurra/training/metrics.h"

namespace recurra {

/// Keras's `metrics`, which see the mask only, and `weighted_metrics`, which see all weights.
class RECURRA_API MetricSet {
 public:
  /// No metrics.
  MetricSet() = default;

  /// Throws as make_metric.
  MetricSet(const std::vector<std::string>& metrics,
            const std::vector<std::string>& weighted_metrics,
            const MetricOptions& options);

  /// Forgets all batches.
  void reset() noexcept;

  /// Takes up a batch: `masked` is for metrics, `weighted` for weighted metrics. Throws as Metric::update.
  void update(const Tensor& output,
              const Tensor& target,
              const SampleWeights& masked,
              const SampleWeights& weighted);

  /// Whether `masked` is of any use to update.
  [[nodiscard]] bool has_unweighted() const noexcept { return !metrics_.empty(); }

  /// Adds each value by name. As in Keras, a weighted metric whose name is taken is `weighted_<name>`.
  void add_to(std::map<std::string, double>& logs) const;

  /// Metrics, then weighted ones.
  [[nodiscard]] std::vector<MetricState> states() const;

  /// What states gave. Throws Error (invalid_argument) for another number of them.
  void set_states(std::span<const MetricState> states);

  /// Names as they were asked for.
  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] std::vector<std::string> weighted_names() const;

 private:
  std::vector<std::unique_ptr<Metric>> metrics_;
  std::vector<std::unique_ptr<Metric>> weighted_;
};

}  // namespace recurra
