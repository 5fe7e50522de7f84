/// What one output of a model is trained for.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "recurra/layers/step_mask.h"
#include "recurra/training/losses.h"
#include "recurra/training/metric_set.h"

namespace recurra {

/// What compile is given for one output of several.
struct OutputLoss {
  std::unique_ptr<Loss> loss;          ///< null: the output is not trained, and has no targets
  std::vector<std::string> metrics{};  ///< by name
  std::vector<std::string> weighted_metrics{};
  double weight = 1.0;  ///< the loss's factor in the model's loss, finite
};

/// Loss and metrics of one output, and what the last batch made of them. Not for users of the library.
class OutputGoal {
 public:
  /// What a batch has for it.
  struct Given {
    const Tensor& output;
    const StepMask* mask;  ///< of the output, null: none
    const Tensor& target;
    const Tensor* sample_weights;               ///< null: none
    const std::map<int, double>* class_weight;  ///< null: none
  };

  /// Throws as make_metric, and Error (invalid_argument) for a weight that is not finite.
  explicit OutputGoal(OutputLoss parts);

  /// Null: the output is not trained.
  [[nodiscard]] const Loss* loss() const noexcept { return loss_.get(); }

  [[nodiscard]] double weight() const noexcept { return weight_; }

  /// Those of the output.
  [[nodiscard]] MetricSet& metrics() noexcept { return metrics_; }

  [[nodiscard]] const MetricSet& metrics() const noexcept { return metrics_; }

  /// The loss times its weight; `with_gradient` leaves its derivative by the output. Throws as Loss::compute.
  double compute(const Given& given, bool with_gradient);

  /// Of the last compute that was to leave it.
  [[nodiscard]] const Tensor& gradient() const noexcept { return gradient_; }

  /// Counts the last batch, of so many rows. Throws as Metric::update.
  void count(const Given& given);

  /// Forgets all batches.
  void reset() noexcept;

  /// The mean of the counted losses, without the weight; 0 without a batch.
  [[nodiscard]] double mean_loss() const noexcept;

  /// Of mean_loss.
  [[nodiscard]] const MetricState& loss_state() const noexcept { return state_; }

  /// What loss_state gave.
  void set_loss_state(const MetricState& state) noexcept { state_ = state; }

 private:
  std::unique_ptr<Loss> loss_;
  double weight_;
  MetricSet metrics_;
  SampleWeightBuilder sample_weights_;
  SampleWeightBuilder mask_weights_;
  SampleWeights masked_;  // for metrics
  SampleWeights all_;     // for the loss and weighted metrics
  Tensor gradient_;
  double last_loss_ = 0;
  MetricState state_{};
};

}  // namespace recurra
