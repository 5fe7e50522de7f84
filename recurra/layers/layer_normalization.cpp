#include "recurra/layers/layer_normalization.h"

#include <cmath>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/base/shortest.h"

namespace recurra {

namespace {

/// Normalizes one row; returns 1 / sqrt(variance + epsilon).
float normalize(const float* x, i64 features, double epsilon, float* to) {
  double sum = 0;
  for (i64 j = 0; j < features; ++j) sum += x[j];
  const double mean = sum / static_cast<double>(features);
  double squares = 0;
  for (i64 j = 0; j < features; ++j) squares += (x[j] - mean) * (x[j] - mean);
  const double inverse = 1.0 / std::sqrt(squares / static_cast<double>(features) + epsilon);
  for (i64 j = 0; j < features; ++j) to[j] = static_cast<float>((x[j] - mean) * inverse);
  return static_cast<float>(inverse);
}

}  // namespace

LayerNormalization::LayerNormalization(const LayerNormalizationOptions& options, std::string name)
    : Layer(std::move(name)), options_(options) {
  if (!(options.epsilon > 0.0))
    throw Error(ErrorCode::invalid_argument, "epsilon", "a number above 0", shortest(options.epsilon));
}

nlohmann::json LayerNormalization::config() const {
  nlohmann::json config = base_config();
  config["axis"] = options_.axis;
  config["epsilon"] = options_.epsilon;
  config["center"] = options_.center;
  config["scale"] = options_.scale;
  write_weight_options(config, "beta", options_.beta);
  write_weight_options(config, "gamma", options_.gamma);
  return config;
}

Shape LayerNormalization::run_build(const Shape& input, Random& random) {
  if (input.rank() < 1 || input.back() < 1) {
    throw Error(
        ErrorCode::shape, name(), "input (batch, ..., features)", "(batch, ...) with " + input.to_string());
  }
  if (options_.axis != -1 && options_.axis != input.rank()) {
    throw Error(ErrorCode::unsupported,
                name() + ".axis",
                "-1, " + std::to_string(input.rank()),
                std::to_string(options_.axis));
  }
  features_ = input.back();
  const Shape shape{features_};
  if (options_.scale) gamma_ = make_parameter("gamma", shape, options_.gamma, random);
  if (options_.center) beta_ = make_parameter("beta", shape, options_.beta, random);
  return input;
}

std::vector<Parameter*> LayerNormalization::parameters() {
  std::vector<Parameter*> all;
  if (features_ > 0 && options_.scale) all.push_back(&gamma_);
  if (features_ > 0 && options_.center) all.push_back(&beta_);
  return all;
}

const Tensor& LayerNormalization::run_forward(const Tensor& x, const Context& context) {
  static_cast<void>(context);
  if (features_ == 0 || x.shape().rank() < 2 || x.shape().back() != features_) {
    throw Error(ErrorCode::shape,
                name() + ".input",
                "(batch, ..., " + (features_ > 0 ? std::to_string(features_) : "features") + ")",
                x.shape().to_string());
  }
  const i64 rows = x.size() / features_;
  normalized_.resize(x.shape());
  y_.resize(x.shape());
  inverse_.resize(static_cast<std::size_t>(rows));
  const float* gamma = options_.scale ? gamma_.value.data() : nullptr;
  const float* beta = options_.center ? beta_.value.data() : nullptr;
  for (i64 row = 0; row < rows; ++row) {
    float* n = normalized_.data() + row * features_;
    inverse_[static_cast<std::size_t>(row)] =
        normalize(x.data() + row * features_, features_, options_.epsilon, n);
    float* y = y_.data() + row * features_;
    for (i64 j = 0; j < features_; ++j) {
      const float scaled = gamma != nullptr ? gamma[j] * n[j] : n[j];
      y[j] = beta != nullptr ? scaled + beta[j] : scaled;
    }
  }
  return y_;
}

const Tensor& LayerNormalization::run_backward(const Tensor& x,
                                               const Tensor& dy,
                                               bool want_dx,
                                               const Context& context) {
  static_cast<void>(context);
  const i64 rows = x.size() / features_;
  const auto features = static_cast<std::size_t>(features_);
  const float* gamma = options_.scale ? gamma_.value.data() : nullptr;
  d_gamma_.assign(features, 0.0);
  d_beta_.assign(features, 0.0);
  dx_.resize(want_dx ? x.shape() : Shape{0});
  for (i64 row = 0; row < rows; ++row) {
    const float* d = dy.data() + row * features_;
    const float* n = normalized_.data() + row * features_;
    double sum = 0;  // of the gradient of n, and of that times n: what mean and variance give back
    double along = 0;
    for (i64 j = 0; j < features_; ++j) {
      d_gamma_[static_cast<std::size_t>(j)] += double{d[j]} * n[j];
      d_beta_[static_cast<std::size_t>(j)] += d[j];
      const double dn = gamma != nullptr ? double{d[j]} * gamma[j] : double{d[j]};
      sum += dn;
      along += dn * n[j];
    }
    if (!want_dx) continue;
    float* to = dx_.data() + row * features_;
    const double inverse = inverse_[static_cast<std::size_t>(row)];
    sum /= static_cast<double>(features_);
    along /= static_cast<double>(features_);
    for (i64 j = 0; j < features_; ++j) {
      const double dn = gamma != nullptr ? double{d[j]} * gamma[j] : double{d[j]};
      to[j] = static_cast<float>(inverse * (dn - sum - n[j] * along));
    }
  }
  for (std::size_t j = 0; trainable() && j < features; ++j) {
    if (options_.scale) gamma_.gradient.data()[j] = static_cast<float>(d_gamma_[j]);
    if (options_.center) beta_.gradient.data()[j] = static_cast<float>(d_beta_[j]);
  }
  return dx_;
}

}  // namespace recurra
