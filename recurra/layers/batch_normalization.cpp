#include "recurra/layers/batch_normalization.h"

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/base/shortest.h"
#include "recurra/layers/initializers.h"

namespace recurra {

BatchNormalization::BatchNormalization(const BatchNormalizationOptions& options, std::string name)
    : Layer(std::move(name)), options_(options) {
  if (!(options.momentum >= 0.0 && options.momentum <= 1.0)) {
    throw Error(ErrorCode::invalid_argument, "momentum", "0 to 1", shortest(options.momentum));
  }
  if (!(options.epsilon > 0.0)) {
    throw Error(ErrorCode::invalid_argument, "epsilon", "a number above 0", shortest(options.epsilon));
  }
}

nlohmann::json BatchNormalization::config() const {
  nlohmann::json config = base_config();
  config["axis"] = options_.axis;
  config["momentum"] = options_.momentum;
  config["epsilon"] = options_.epsilon;
  config["center"] = options_.center;
  config["scale"] = options_.scale;
  write_weight_options(config, "beta", options_.beta);
  write_weight_options(config, "gamma", options_.gamma);
  config["moving_mean_initializer"] = config_of(options_.moving_mean_initializer);
  config["moving_variance_initializer"] = config_of(options_.moving_variance_initializer);
  return config;
}

Shape BatchNormalization::run_build(const Shape& input, Random& random) {
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
  // Where there is none, a weight that stays what does nothing.
  gamma_ =
      make_parameter("gamma", shape, options_.scale ? options_.gamma : WeightOptions{Constant{1}}, random);
  beta_ = make_parameter("beta", shape, options_.center ? options_.beta : WeightOptions{}, random);
  moving_mean_ = {"moving_mean", Tensor(shape), Tensor(), false};
  moving_variance_ = {"moving_variance", Tensor(shape), Tensor(), false};
  initialize(options_.moving_mean_initializer, moving_mean_.value, random);
  initialize(options_.moving_variance_initializer, moving_variance_.value, random);
  mean_.resize(static_cast<std::size_t>(features_));
  inverse_.resize(static_cast<std::size_t>(features_));
  return input;
}

std::vector<Parameter*> BatchNormalization::parameters() {
  if (features_ == 0) return {};
  std::vector<Parameter*> all = {&gamma_, &beta_, &moving_mean_, &moving_variance_};
  if (!options_.scale) std::erase(all, &gamma_);
  if (!options_.center) std::erase(all, &beta_);
  return all;
}

void BatchNormalization::find_counted_rows(const Tensor& x, const Context& context) {
  const i64 rows = x.size() / features_;
  counted_.assign(static_cast<std::size_t>(rows), 1);
  count_ = rows;
  if (context.mask == nullptr || x.shape().rank() < 3) return;
  // Axes between the steps and the features share their step's byte.
  const i64 shared = rows / std::max<i64>(context.mask->batch() * context.mask->steps(), 1);
  for (i64 row = 0; row < rows; ++row) {
    counted_[static_cast<std::size_t>(row)] = context.mask->data()[row / shared];
  }
  count_ = context.mask->counted() * shared;
}

void BatchNormalization::take_statistics(const Tensor& x) {
  const auto features = static_cast<std::size_t>(features_);
  std::vector<double> sum(features, 0.0);
  std::vector<double> squares(features, 0.0);
  const double count = static_cast<double>(std::max<i64>(count_, 1));
  for (std::size_t row = 0; row < counted_.size(); ++row) {
    const float* from = x.data() + row * features;
    for (std::size_t j = 0; counted_[row] != 0 && j < features; ++j) sum[j] += from[j];
  }
  for (std::size_t j = 0; j < features; ++j) mean_[j] = sum[j] / count;
  for (std::size_t row = 0; row < counted_.size(); ++row) {
    const float* from = x.data() + row * features;
    for (std::size_t j = 0; counted_[row] != 0 && j < features; ++j) {
      const double away = from[j] - mean_[j];
      squares[j] += away * away;
    }
  }
  const double keep = options_.momentum;
  for (std::size_t j = 0; j < features; ++j) {
    const double variance = squares[j] / count;
    inverse_[j] = 1.0 / std::sqrt(variance + options_.epsilon);
    if (count_ == 0) continue;
    float& mean = moving_mean_.value.data()[j];
    float& moving = moving_variance_.value.data()[j];
    mean = static_cast<float>(mean * keep + mean_[j] * (1.0 - keep));
    moving = static_cast<float>(moving * keep + variance * (1.0 - keep));
  }
}

const Tensor& BatchNormalization::run_forward(const Tensor& x, const Context& context) {
  if (features_ == 0 || x.shape().rank() < 2 || x.shape().back() != features_) {
    throw Error(ErrorCode::shape,
                name() + ".input",
                "(batch, ..., " + std::to_string(features_) + ")",
                x.shape().to_string());
  }
  if (uses_batch(context)) {
    find_counted_rows(x, context);
    take_statistics(x);
  } else {
    for (std::size_t j = 0; j < mean_.size(); ++j) {
      mean_[j] = moving_mean_.value.data()[j];
      inverse_[j] = 1.0 / std::sqrt(double{moving_variance_.value.data()[j]} + options_.epsilon);
    }
  }
  y_.resize(x.shape());
  const float* gamma = gamma_.value.data();
  const float* beta = beta_.value.data();
  const i64 rows = x.size() / features_;
  rounded_mean_.assign(mean_.begin(), mean_.end());
  rounded_inverse_.assign(inverse_.begin(), inverse_.end());
  const std::vector<float>& mean = rounded_mean_;
  const std::vector<float>& inverse = rounded_inverse_;
  for (i64 row = 0; row < rows; ++row) {
    const float* from = x.data() + row * features_;
    float* to = y_.data() + row * features_;
    for (std::size_t j = 0; j < mean.size(); ++j) {
      to[j] = gamma[j] * ((from[j] - mean[j]) * inverse[j]) + beta[j];
    }
  }
  return y_;
}

const Tensor& BatchNormalization::run_backward(const Tensor& x,
                                               const Tensor& dy,
                                               bool want_dx,
                                               const Context& context) {
  const bool by_batch = uses_batch(context);
  const auto features = static_cast<std::size_t>(features_);
  const i64 rows = x.size() / features_;
  std::vector<double> d_gamma(features, 0.0);
  std::vector<double> d_beta(features, 0.0);
  // Rows outside the statistics are still normalized, so their gradients reach the mean and the variance too.
  for (i64 row = 0; row < rows; ++row) {
    const float* from = x.data() + row * features_;
    const float* d = dy.data() + row * features_;
    for (std::size_t j = 0; j < features; ++j) {
      d_beta[j] += d[j];
      d_gamma[j] += d[j] * ((from[j] - mean_[j]) * inverse_[j]);
    }
  }
  for (std::size_t j = 0; trainable() && j < features; ++j) {
    beta_.gradient.data()[j] = static_cast<float>(d_beta[j]);
    gamma_.gradient.data()[j] = static_cast<float>(d_gamma[j]);
  }
  dx_.resize(want_dx ? x.shape() : Shape{0});
  if (!want_dx) return dx_;
  // dx = slope * (dy - mean part - normalized * variance part), the parts zero for rows outside the
  // statistics.
  const double count = static_cast<double>(std::max<i64>(count_, 1));
  std::vector<float> slope(features), mean(features), inverse(features), mean_part(features),
      variance_part(features);
  for (std::size_t j = 0; j < features; ++j) {
    slope[j] = static_cast<float>(gamma_.value.data()[j] * inverse_[j]);
    mean[j] = static_cast<float>(mean_[j]);
    inverse[j] = static_cast<float>(inverse_[j]);
    mean_part[j] = static_cast<float>(d_beta[j] / count);
    variance_part[j] = static_cast<float>(d_gamma[j] / count);
  }
  for (i64 row = 0; row < rows; ++row) {
    const float* from = x.data() + row * features_;
    const float* d = dy.data() + row * features_;
    float* to = dx_.data() + row * features_;
    const float share = by_batch && counted_[static_cast<std::size_t>(row)] != 0 ? 1.0F : 0.0F;
    for (std::size_t j = 0; j < features; ++j) {
      const float normalized = (from[j] - mean[j]) * inverse[j];
      to[j] = slope[j] * (d[j] - share * (mean_part[j] + normalized * variance_part[j]));
    }
  }
  return dx_;
}

}  // namespace recurra
