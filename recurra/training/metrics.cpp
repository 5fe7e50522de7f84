#include "recurra/training/metrics.h"

#include <algorithm>
#include <cmath>
#include <concepts>
#include <string>

#include "recurra/base/error.h"
#include "recurra/base/shortest.h"
#include "recurra/training/targets.h"

namespace recurra {

namespace {

/// A metric's value for one sample of a batch.
template <class F>
concept SampleValue = std::regular_invocable<F, i64> && std::convertible_to < std::invoke_result_t<F, i64>,
double > ;

/// Weighted sum of values and sum of weights over a batch.
template <SampleValue F>
MetricState sum_over(i64 samples, const SampleWeights& weights, F value) {
  check_sample_weights(weights, samples);
  MetricState sums;
  for (i64 sample = 0; sample < samples; ++sample) {
    const double weight = weights.of(sample);
    if (weight == 0.0) continue;
    sums.sum += weight * value(sample);
    sums.count += weight;
  }
  return sums;
}

i64 place_of_largest(const float* row, i64 width) {
  return std::max_element(row, row + width) - row;
}

MetricState sparse_categorical(const Tensor& output, const Tensor& target, const SampleWeights& weights) {
  const auto [samples, classes] = rows_of(output);
  const std::int32_t* labels = labels_of(output, target).data();
  const float* y = output.data();
  return sum_over(samples, weights, [&, width = classes](i64 i) {
    return place_of_largest(y + i * width, width) == labels[i] ? 1.0 : 0.0;
  });
}

MetricState categorical(const Tensor& output, const Tensor& target, const SampleWeights& weights) {
  const auto [samples, classes] = rows_of(output);
  const TargetValues t(output, target, TargetKind::floats_or_integers);
  const float* y = output.data();
  return sum_over(samples, weights, [&, width = classes](i64 i) {
    i64 largest = 0;
    for (i64 j = 1; j < width; ++j) {
      if (t[i * width + j] > t[i * width + largest]) largest = j;
    }
    return place_of_largest(y + i * width, width) == largest ? 1.0 : 0.0;
  });
}

MetricState binary(const Tensor& output,
                   const Tensor& target,
                   const SampleWeights& weights,
                   double threshold) {
  const auto [samples, features] = rows_of(output);
  const TargetValues t(output, target, TargetKind::floats_or_integers);
  const float* y = output.data();
  return sum_over(samples, weights, [&, width = features](i64 i) {
    i64 right = 0;
    for (i64 j = i * width; j < (i + 1) * width; ++j)
      right += t[j] == (y[j] > threshold ? 1.0F : 0.0F) ? 1 : 0;
    return static_cast<double>(right) / static_cast<double>(width);
  });
}

MetricState top_k(const Tensor& output, const Tensor& target, const SampleWeights& weights, i64 k) {
  const auto [samples, classes] = rows_of(output);
  const std::int32_t* labels = labels_of(output, target).data();
  const float* y = output.data();
  return sum_over(samples, weights, [&, width = classes](i64 i) {
    const float* row = y + i * width;
    if (labels[i] < 0 || labels[i] >= width || std::isnan(row[labels[i]])) return 0.0;
    const float own = row[labels[i]];
    return std::count_if(row, row + width, [own](float other) { return other > own; }) < k ? 1.0 : 0.0;
  });
}

enum class Power { absolute, square };

MetricState error(const Tensor& output, const Tensor& target, const SampleWeights& weights, Power power) {
  const auto [samples, features] = rows_of(output);
  const TargetValues t(output, target, TargetKind::floats);
  const float* y = output.data();
  return sum_over(samples, weights, [&, width = features](i64 i) {
    double sum = 0;
    for (i64 j = i * width; j < (i + 1) * width; ++j) {
      const double e = std::abs(double{y[j]} - t[j]);
      sum += power == Power::square ? e * e : e;
    }
    return sum / static_cast<double>(width);
  });
}

MetricState accuracy(const Tensor& output,
                     const Tensor& target,
                     const SampleWeights& weights,
                     double threshold) {
  const Shape& shape = target.shape();
  if (rows_of(output).width == 1) return binary(output, target, weights, threshold);
  if (shape.rank() < output.shape().rank() || shape.back() == 1)
    return sparse_categorical(output, target, weights);
  return categorical(output, target, weights);
}

enum class MetricKind { accuracy, sparse, categorical, binary, top_k, squared, absolute, root_squared };

/// Every metric is a mean; they differ in the value of a sample and in what is made of the mean.
class MeanMetric final : public Metric {
 public:
  MeanMetric(std::string_view name, MetricKind kind, const MetricOptions& options)
      : Metric(std::string(name)),
        kind_(kind),
        threshold_(options.threshold.value_or(options.from_logits ? 0.0 : 0.5)),
        k_(options.k) {}

  void update(const Tensor& output, const Tensor& target, const SampleWeights& weights) override {
    const MetricState sums = sums_of(output, target, weights);
    add(sums.sum, sums.count);
  }

  [[nodiscard]] double value() const noexcept override {
    return kind_ == MetricKind::root_squared ? std::sqrt(Metric::value()) : Metric::value();
  }

 private:
  [[nodiscard]] MetricState sums_of(const Tensor& output,
                                    const Tensor& target,
                                    const SampleWeights& weights) const {
    switch (kind_) {
      case MetricKind::accuracy:
        return accuracy(output, target, weights, threshold_);
      case MetricKind::sparse:
        return sparse_categorical(output, target, weights);
      case MetricKind::categorical:
        return categorical(output, target, weights);
      case MetricKind::binary:
        return binary(output, target, weights, threshold_);
      case MetricKind::top_k:
        return top_k(output, target, weights, k_);
      case MetricKind::absolute:
        return error(output, target, weights, Power::absolute);
      case MetricKind::squared:
      case MetricKind::root_squared:
        break;
    }
    return error(output, target, weights, Power::square);
  }

  MetricKind kind_;
  double threshold_;
  i64 k_;
};

struct MetricName {
  std::string_view name;
  std::string_view class_name;
  std::string_view short_name;  // empty: none
  MetricKind kind;
};

constexpr MetricName metric_names[] = {
    {"accuracy", "Accuracy", "acc", MetricKind::accuracy},
    {"sparse_categorical_accuracy", "SparseCategoricalAccuracy", "", MetricKind::sparse},
    {"categorical_accuracy", "CategoricalAccuracy", "", MetricKind::categorical},
    {"binary_accuracy", "BinaryAccuracy", "", MetricKind::binary},
    {"sparse_top_k_categorical_accuracy", "SparseTopKCategoricalAccuracy", "", MetricKind::top_k},
    {"mean_squared_error", "MeanSquaredError", "mse", MetricKind::squared},
    {"mean_absolute_error", "MeanAbsoluteError", "mae", MetricKind::absolute},
    {"root_mean_squared_error", "RootMeanSquaredError", "", MetricKind::root_squared},
};

}  // namespace

std::unique_ptr<Metric> make_metric(std::string_view name, const MetricOptions& options) {
  if (options.threshold && !std::isfinite(*options.threshold)) {
    throw Error(ErrorCode::invalid_argument, "threshold", "a finite number", shortest(*options.threshold));
  }
  if (options.k < 1) throw Error(ErrorCode::invalid_argument, "k", "from 1 up", std::to_string(options.k));
  std::string names;
  for (const MetricName& known : metric_names) {
    if (name == known.name || name == known.class_name || (!name.empty() && name == known.short_name))
      return std::make_unique<MeanMetric>(name, known.kind, options);
    names.append(names.empty() ? "" : ", ").append(known.name);
    if (!known.short_name.empty()) names.append(" (").append(known.short_name).append(")");
  }
  throw Error(ErrorCode::unsupported, "metric", names, std::string(name));
}

}  // namespace recurra
