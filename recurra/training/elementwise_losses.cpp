/// The losses that are a mean over the last axis of a function of output and target, element by element.
#include <algorithm>
#include <cmath>
#include <concepts>
#include <string>

#include "recurra/base/error.h"
#include "recurra/base/shortest.h"
#include "recurra/training/losses.h"
#include "recurra/training/targets.h"

namespace recurra {

namespace {

/// A loss of one element, and its derivative by the output.
struct Point {
  double loss;
  double derivative;
};

template <class F>
concept PointLoss =
    std::regular_invocable<F, double, double> && std::same_as<std::invoke_result_t<F, double, double>, Point>;

template <PointLoss F>
double mean_of_points(const Tensor& output,
                      const TargetValues& target,
                      const SampleWeights& weights,
                      Tensor* gradient,
                      F point) {
  const auto [samples, width] = rows_of(output);
  check_sample_weights(weights, samples);
  const float* y = output.data();
  if (gradient != nullptr) gradient->resize(output.shape());
  float* d = gradient != nullptr ? gradient->data() : nullptr;
  const double scale = 1.0 / (weights.count_of(std::max<i64>(samples, 1)) * static_cast<double>(width));
  double loss = 0;
  for (i64 sample = 0; sample < samples; ++sample) {
    const double weight = weights.of(sample);
    if (weight == 0.0) {
      if (d != nullptr) std::fill_n(d + sample * width, width, 0.0F);
      continue;
    }
    double sum = 0;
    for (i64 i = sample * width; i < (sample + 1) * width; ++i) {
      const Point at = point(y[i], target[i]);
      sum += at.loss;
      if (d != nullptr) d[i] = static_cast<float>(at.derivative * weight * scale);
    }
    loss += weight * sum;
  }
  return loss * scale;
}

/// Written so that no power overflows and no difference cancels.
Point binary_of_logit(double z, double t) {
  const double power = std::exp(-std::abs(z));
  const double sigmoid = z >= 0.0 ? 1.0 / (1.0 + power) : power / (1.0 + power);
  return {std::max(z, 0.0) - z * t + std::log1p(power), sigmoid - t};
}

Point binary_of_probability(double y, double t) {
  const double p = std::clamp(y, probability_margin, 1.0 - probability_margin);
  return {-(t * std::log(p) + (1.0 - t) * std::log1p(-p)), p == y ? (p - t) / (p * (1.0 - p)) : 0.0};
}

const CrossentropyOptions& checked(const CrossentropyOptions& options) {
  if (!(options.label_smoothing >= 0.0 && options.label_smoothing <= 1.0)) {
    throw Error(
        ErrorCode::invalid_argument, "label_smoothing", "from 0 to 1", shortest(options.label_smoothing));
  }
  return options;
}

}  // namespace

CategoricalCrossentropy::CategoricalCrossentropy(const CrossentropyOptions& options)
    : options_(checked(options)) {}

BinaryCrossentropy::BinaryCrossentropy(const CrossentropyOptions& options) : options_(checked(options)) {}

double BinaryCrossentropy::compute(const Tensor& output,
                                   const Tensor& target,
                                   const SampleWeights& weights,
                                   Tensor* gradient) const {
  const TargetValues targets(output, target, TargetKind::floats_or_integers);
  const double kept = 1.0 - options_.label_smoothing;
  const double added = 0.5 * options_.label_smoothing;
  const auto of_logit = [=](double y, double t) {
    return binary_of_logit(y, t * kept + added);
  };
  const auto of_probability = [=](double y, double t) {
    return binary_of_probability(y, t * kept + added);
  };
  return options_.from_logits ? mean_of_points(output, targets, weights, gradient, of_logit)
                              : mean_of_points(output, targets, weights, gradient, of_probability);
}

double MeanSquaredError::compute(const Tensor& output,
                                 const Tensor& target,
                                 const SampleWeights& weights,
                                 Tensor* gradient) const {
  const TargetValues targets(output, target, TargetKind::floats);
  return mean_of_points(output, targets, weights, gradient, [](double y, double t) {
    return Point{(y - t) * (y - t), 2.0 * (y - t)};
  });
}

double MeanAbsoluteError::compute(const Tensor& output,
                                  const Tensor& target,
                                  const SampleWeights& weights,
                                  Tensor* gradient) const {
  const TargetValues targets(output, target, TargetKind::floats);
  return mean_of_points(output, targets, weights, gradient, [](double y, double t) {
    return Point{std::abs(y - t), y > t ? 1.0 : y < t ? -1.0 : 0.0};
  });
}

Huber::Huber(const HuberOptions& options) : options_(options) {
  if (!(options.delta > 0.0) || !std::isfinite(options.delta)) {
    throw Error(ErrorCode::invalid_argument, "delta", "a finite number above 0", shortest(options.delta));
  }
}

double Huber::compute(const Tensor& output,
                      const Tensor& target,
                      const SampleWeights& weights,
                      Tensor* gradient) const {
  const TargetValues targets(output, target, TargetKind::floats);
  const double delta = options_.delta;
  return mean_of_points(output, targets, weights, gradient, [=](double y, double t) {
    const double e = y - t;
    if (std::abs(e) <= delta) return Point{0.5 * e * e, e};
    return Point{delta * std::abs(e) - 0.5 * delta * delta, std::copysign(delta, e)};
  });
}

}  // namespace recurra
