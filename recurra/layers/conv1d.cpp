#include "recurra/layers/conv1d.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/layers/step_windows.h"

namespace recurra {

namespace {

StepWindows windows_of(const Conv1dOptions& options) {
  return {options.kernel_size, options.strides, options.dilation_rate, options.padding};
}

}  // namespace

Conv1d::Conv1d(const Conv1dOptions& options, std::string name) : Layer(std::move(name)), options_(options) {
  static_cast<void>(checked_size(options.filters, "filters", 1));
  static_cast<void>(checked_size(options.kernel_size, "kernel_size", 1));
  require_positive("strides", options.strides);
  require_positive("dilation_rate", options.dilation_rate);
  if (options.strides > 1 && options.dilation_rate > 1) {
    throw Error(ErrorCode::invalid_argument,
                "dilation_rate",
                "1 with strides above 1",
                std::to_string(options.dilation_rate));
  }
  activity_ = ActivityPenalty(options.activity_regularizer);
}

nlohmann::json Conv1d::config() const {
  nlohmann::json config = base_config();
  const auto list = [](i64 number) {
    return nlohmann::json::array({number});
  };
  config["filters"] = options_.filters;
  config["kernel_size"] = list(options_.kernel_size);
  config["strides"] = list(options_.strides);
  config["padding"] = name_of(options_.padding);
  config["data_format"] = "channels_last";
  config["dilation_rate"] = list(options_.dilation_rate);
  config["groups"] = 1;
  config["activation"] = config_of(options_.activation);
  config["use_bias"] = options_.use_bias;
  write_weight_options(config, "kernel", options_.kernel);
  write_weight_options(config, "bias", options_.bias);
  config["activity_regularizer"] = config_of(options_.activity_regularizer);
  return config;
}

Shape Conv1d::run_build(const Shape& input, Random& random) {
  if (input.rank() != 2 || input.back() < 1) {
    throw Error(
        ErrorCode::shape, name(), "input (batch, steps, features)", "(batch, ...) with " + input.to_string());
  }
  const i64 outputs = windows_of(options_).windows(input[0], name());
  features_ = input.back();
  map_.emplace(checked_multiply(options_.kernel_size, features_, "kernel_size"), options_.filters);
  kernel_ =
      make_parameter("kernel", {options_.kernel_size, features_, options_.filters}, options_.kernel, random);
  if (options_.use_bias) bias_ = make_parameter("bias", {options_.filters}, options_.bias, random);
  packed_ = false;
  return {outputs, options_.filters};
}

std::vector<Parameter*> Conv1d::parameters() {
  if (!map_) return {};
  if (!options_.use_bias) return {&kernel_};
  return {&kernel_, &bias_};
}

/// The steps of each window side by side, so that a row of them is what one output is made of.
void Conv1d::gather_windows(const Tensor& x) {
  const StepWindows windows = windows_of(options_);
  const i64 steps = x.shape()[1];
  const i64 outputs = windows.windows(steps, name() + ".input");
  windows_.resize({x.shape()[0], outputs, options_.kernel_size, features_});
  float* to = windows_.data();
  for (i64 row = 0; row < x.shape()[0]; ++row) {
    const float* from = x.data() + row * steps * features_;
    for (i64 window = 0; window < outputs; ++window) {
      for (i64 place = 0; place < options_.kernel_size; ++place, to += features_) {
        const i64 step = windows.step(window, place, steps);
        if (step < 0 || step >= steps) {
          std::fill_n(to, features_, 0.0F);
        } else {
          std::copy_n(from + step * features_, features_, to);
        }
      }
    }
  }
}

/// The gradient of each step from those of all windows it lies in, in their order.
void Conv1d::scatter_windows(const Shape& x) {
  const StepWindows windows = windows_of(options_);
  const i64 steps = x[1];
  std::fill_n(dx_.data(), dx_.size(), 0.0F);
  const float* from = d_windows_.data();
  for (i64 row = 0; row < x[0]; ++row) {
    float* to = dx_.data() + row * steps * features_;
    for (i64 window = 0; window < d_windows_.shape()[1]; ++window) {
      for (i64 place = 0; place < options_.kernel_size; ++place, from += features_) {
        const i64 step = windows.step(window, place, steps);
        if (step < 0 || step >= steps) continue;
        for (i64 j = 0; j < features_; ++j) to[step * features_ + j] += from[j];
      }
    }
  }
}

const Tensor& Conv1d::run_forward(const Tensor& x, const Context& context) {
  const Shape& shape = x.shape();
  if (!map_ || shape.rank() != 3 || shape[2] != features_) {
    const std::string features = map_ ? std::to_string(features_) : "features";
    throw Error(ErrorCode::shape, name() + ".input", "(batch, steps, " + features + ")", shape.to_string());
  }
  if (!packed_) map_->pack(kernel_.value.data(), options_.use_bias ? bias_.value.data() : nullptr);
  packed_ = true;
  gather_windows(x);
  const i64 outputs = windows_.shape()[1];
  Tensor& sum = options_.activation.is_linear() ? y_ : sum_;
  sum.resize({shape[0], outputs, options_.filters});
  map_->forward(shape[0] * outputs, windows_.data(), sum.data(), context.execution);
  if (!options_.activation.is_linear()) options_.activation.forward(sum_, y_);
  activity_.forward(y_);
  return y_;
}

const Tensor& Conv1d::run_backward(const Tensor& x, const Tensor& dy, bool want_dx, const Context& context) {
  const Tensor* d = &activity_.backward(y_, dy);
  if (!options_.activation.is_linear()) {
    options_.activation.backward(sum_, y_, *d, d_sum_);
    d = &d_sum_;
  }
  if (want_dx) d_windows_.resize(windows_.shape());
  map_->backward(x.shape()[0] * windows_.shape()[1],
                 windows_.data(),
                 d->data(),
                 want_dx ? d_windows_.data() : nullptr,
                 kernel_.d(),
                 options_.use_bias ? bias_.d() : nullptr,
                 context.execution);
  dx_.resize(want_dx ? x.shape() : Shape{0});
  if (want_dx) scatter_windows(x.shape());
  return dx_;
}

}  // namespace recurra
