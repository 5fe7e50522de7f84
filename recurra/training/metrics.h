/// Metrics: what is told about an epoch beside the loss. Keras's names and definitions.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "recurra/base/tensor.h"
#include "recurra/training/sample_weights.h"

namespace recurra {

/// What a metric has taken up: all there is to keep when training stops in the middle of an epoch.
struct MetricState {
  double sum = 0.0;    ///< of weighted values
  double count = 0.0;  ///< of weights

  friend bool operator==(const MetricState&, const MetricState&) = default;
};

/// A weighted mean over samples, taken up batch by batch.
class RECURRA_API Metric {
 public:
  /// As it is to stand in logs.
  explicit Metric(std::string name) : name_(std::move(name)) {}

  virtual ~Metric() = default;
  Metric(const Metric&) = delete;
  Metric& operator=(const Metric&) = delete;
  Metric(Metric&&) = delete;
  Metric& operator=(Metric&&) = delete;

  /// As it stands in logs: the name it was asked for by, "mse" for "mse", as in Keras.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  /// Takes up a batch. Which weights to give is the caller's choice: Keras's `metrics` see the mask only, its
  /// `weighted_metrics` all weights. Throws Error (shape, dtype).
  virtual void update(const Tensor& output, const Tensor& target, const SampleWeights& weights) = 0;

  /// The mean so far; 0 before the first sample.
  [[nodiscard]] virtual double value() const noexcept {
    return state_.count > 0.0 ? state_.sum / state_.count : 0.0;
  }

  [[nodiscard]] const MetricState& state() const noexcept { return state_; }

  /// Goes on from a state that was read before.
  void set_state(const MetricState& state) noexcept { state_ = state; }

  /// Forgets all samples.
  void reset() noexcept { state_ = {}; }

 protected:
  /// Takes up `count` samples whose values add up to `sum`.
  void add(double sum, double count) noexcept {
    state_.sum += sum;
    state_.count += count;
  }

 private:
  std::string name_;
  MetricState state_;
};

/// What some metrics take.
struct MetricOptions {
  bool from_logits = false;           ///< outputs are logits: half probability lies at 0, not at 0.5
  std::optional<double> threshold{};  ///< of binary accuracy; not given: half probability
  i64 k = 5;                          ///< > 0, of sparse_top_k_categorical_accuracy
};

/// The metric called `name`, which is its name in logs:
///
/// - accuracy (acc): chosen by the shapes, as in Keras: binary for outputs (batch, …, 1), sparse
///   categorical for targets of lower rank or with a last axis of 1, else categorical.
/// - sparse_categorical_accuracy: the largest output is the label's; i32 labels (batch, …) or (batch, …, 1).
/// - categorical_accuracy: output and target, f32 or i32 of one shape, are largest at the same class.
/// - binary_accuracy: share of a row's elements where output > threshold is the target, 0 or 1; f32 or i32
///   of output's shape, or (batch, …) for an output (batch, …, 1).
/// - sparse_top_k_categorical_accuracy: fewer than k outputs are larger than the label's.
/// - mean_squared_error (mse), mean_absolute_error (mae), root_mean_squared_error: f32, shapes as binary.
///
/// A label that is no class is never right. Keras's class names are known too. Throws Error: unsupported for
/// another name, invalid_argument for options out of range.
[[nodiscard]] RECURRA_API std::unique_ptr<Metric> make_metric(std::string_view name,
                                                              const MetricOptions& options = {});

}  // namespace recurra
