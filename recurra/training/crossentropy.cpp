/// The losses of categorical outputs, one row a sample.
///
/// Each row function returns a sample's loss and, where `d` is not null, writes `scale` times its derivative
/// there.
#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "recurra/base/error.h"
#include "recurra/engine/softmax.h"
#include "recurra/training/losses.h"
#include "recurra/training/targets.h"

namespace recurra {

namespace {

/// -log softmax(z)[label]; derivative softmax(z) - 1 at the label. `powers` has room for a row.
double sparse_of_logits(
    std::span<const float> z, std::int32_t label, double scale, std::span<float> powers, float* d) {
  const RowPowers row = row_powers(z, powers);
  if (d != nullptr) {
    const auto factor = static_cast<float>(scale / row.sum);
    for (std::size_t j = 0; j < z.size(); ++j) d[j] = powers[j] * factor;
    d[label] -= static_cast<float>(scale);
  }
  return std::log(row.sum) + row.largest - z[static_cast<std::size_t>(label)];
}

double sum_of(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += value;
  return sum;
}

double clipped(double p) {
  return std::clamp(p, probability_margin, 1.0 - probability_margin);
}

/// -log clip(q[label]), q = y / sum(y); derivative (1 - 1 / q at the label) / sum(y), 0 where clipped.
double sparse_of_probabilities(
    std::span<const float> y, std::int32_t label, double scale, std::span<float> /*powers*/, float* d) {
  const double sum = sum_of(y);
  const double q = y[static_cast<std::size_t>(label)] / sum;
  const double p = clipped(q);
  if (d != nullptr) {
    std::fill_n(d, y.size(), p == q ? static_cast<float>(scale / sum) : 0.0F);
    if (p == q) d[label] = static_cast<float>(scale * (1.0 - 1.0 / q) / sum);
  }
  return -std::log(p);
}

/// -sum t log softmax(z); derivative sum(t) softmax(z) - t. `powers` has room for a row.
double categorical_of_logits(
    std::span<const float> z, std::span<const double> t, double scale, std::span<float> powers, float* d) {
  const RowPowers row = row_powers(z, powers);
  const double log_sum = std::log(row.sum) + row.largest;
  double loss = 0;
  double total = 0;
  for (std::size_t j = 0; j < z.size(); ++j) {
    // A class that cannot be may have a logit of -infinity.
    if (t[j] != 0.0) loss += t[j] * (log_sum - z[j]);
    total += t[j];
  }
  for (std::size_t j = 0; d != nullptr && j < z.size(); ++j)
    d[j] = static_cast<float>(scale * (total * powers[j] / row.sum - t[j]));
  return loss;
}

/// -sum t log clip(q), q = y / sum(y); derivative (u - sum(u q)) / sum(y), u = -t / q, 0 where clipped.
double categorical_of_probabilities(std::span<const float> y,
                                    std::span<const double> t,
                                    double scale,
                                    std::span<float> /*powers*/,
                                    float* d) {
  const double sum = sum_of(y);
  double loss = 0;
  double inside = 0;  // -sum(u q): the targets that are not clipped
  for (std::size_t j = 0; j < y.size(); ++j) {
    const double q = y[j] / sum;
    const double p = clipped(q);
    if (t[j] != 0.0) loss -= t[j] * std::log(p);
    if (p == q) inside += t[j];
  }
  for (std::size_t j = 0; d != nullptr && j < y.size(); ++j) {
    const double q = y[j] / sum;
    const double u = clipped(q) == q ? -t[j] / q : 0.0;
    d[j] = static_cast<float>(scale * (u + inside) / sum);
  }
  return loss;
}

/// Samples to be counted when those with the label `ignored` are left out, at least one.
double count_without(std::span<const std::int32_t> labels, int ignored, const SampleWeights& weights) {
  double count = weights.count_of(static_cast<i64>(labels.size()));
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] == ignored && weights.keeps(static_cast<i64>(i))) count -= 1.0;
  }
  return std::max(count, 1.0);
}

/// Label smoothing in double; throws Error (shape or dtype) unless target is f32 of output's shape.
class SmoothedTargets {
 public:
  SmoothedTargets(const Tensor& output, const Tensor& target, double smoothing)
      : row_(static_cast<std::size_t>(output.shape().back())),
        kept_(1.0 - smoothing),
        added_(smoothing / static_cast<double>(output.shape().back())) {
    if (target.dtype() != Dtype::f32)
      throw Error(ErrorCode::dtype, "target", "f32", std::string(name_of(target.dtype())));
    if (target.shape() != output.shape()) {
      throw Error(
          ErrorCode::shape, "target", "shape " + output.shape().to_string(), target.shape().to_string());
    }
    values_ = target.as<float>();
  }

  std::span<const double> row(std::size_t sample) {
    for (std::size_t j = 0; j < row_.size(); ++j)
      row_[j] = values_[sample * row_.size() + j] * kept_ + added_;
    return row_;
  }

 private:
  std::vector<double> row_;
  double kept_;
  double added_;
  std::span<const float> values_;
};

}  // namespace

double SparseCategoricalCrossentropy::compute(const Tensor& output,
                                              const Tensor& target,
                                              const SampleWeights& weights,
                                              Tensor* gradient) const {
  const auto [samples, classes] = rows_of(output);
  const std::span<const std::int32_t> labels = check_labels(output, target, options_.ignore_class);
  check_sample_weights(weights, samples);
  const std::span<const float> logits = output.as<float>();
  if (gradient != nullptr) gradient->resize(output.shape());
  const double count = options_.ignore_class ? count_without(labels, *options_.ignore_class, weights)
                                             : weights.count_of(std::max<i64>(samples, 1));
  const auto row_loss = options_.from_logits ? sparse_of_logits : sparse_of_probabilities;
  const auto width = static_cast<std::size_t>(classes);
  std::vector<float> powers(width);
  double loss = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    float* d = gradient != nullptr ? gradient->data() + i * width : nullptr;
    const double weight = weights.of(static_cast<i64>(i));
    if (weight == 0.0 || labels[i] == options_.ignore_class) {
      if (d != nullptr) std::fill_n(d, width, 0.0F);
      continue;
    }
    loss += weight * row_loss(logits.subspan(i * width, width), labels[i], weight / count, powers, d);
  }
  return loss / count;
}

double CategoricalCrossentropy::compute(const Tensor& output,
                                        const Tensor& target,
                                        const SampleWeights& weights,
                                        Tensor* gradient) const {
  const auto [samples, classes] = rows_of(output);
  SmoothedTargets targets(output, target, options_.label_smoothing);
  check_sample_weights(weights, samples);
  const std::span<const float> values = output.as<float>();
  if (gradient != nullptr) gradient->resize(output.shape());
  const double count = weights.count_of(std::max<i64>(samples, 1));
  const auto row_loss = options_.from_logits ? categorical_of_logits : categorical_of_probabilities;
  const auto width = static_cast<std::size_t>(classes);
  std::vector<float> powers(width);
  double loss = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(samples); ++i) {
    float* d = gradient != nullptr ? gradient->data() + i * width : nullptr;
    const double weight = weights.of(static_cast<i64>(i));
    if (weight == 0.0) {
      if (d != nullptr) std::fill_n(d, width, 0.0F);
      continue;
    }
    loss += weight * row_loss(values.subspan(i * width, width), targets.row(i), weight / count, powers, d);
  }
  return loss / count;
}

}  // namespace recurra
