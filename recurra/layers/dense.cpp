#include "recurra/layers/dense.h"

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"

namespace recurra {

Dense::Dense(const DenseOptions& options, std::string name) : Layer(std::move(name)), options_(options) {
  static_cast<void>(checked_size(options.units, "units", 1));
  activity_ = ActivityPenalty(options.activity_regularizer);
}

nlohmann::json Dense::config() const {
  nlohmann::json config = base_config();
  config["units"] = options_.units;
  config["activation"] = config_of(options_.activation);
  config["use_bias"] = options_.use_bias;
  write_weight_options(config, "kernel", options_.kernel);
  write_weight_options(config, "bias", options_.bias);
  config["activity_regularizer"] = config_of(options_.activity_regularizer);
  return config;
}

Shape Dense::run_build(const Shape& input, Random& random) {
  if (input.rank() < 1 || input.back() < 1) {
    throw Error(
        ErrorCode::shape, name(), "input (batch, ..., features)", "(batch, ...) with " + input.to_string());
  }
  map_.emplace(input.back(), options_.units);
  kernel_ = make_parameter("kernel", {input.back(), options_.units}, options_.kernel, random);
  if (options_.use_bias) bias_ = make_parameter("bias", {options_.units}, options_.bias, random);
  packed_ = false;
  Shape output = input;
  output[output.rank() - 1] = options_.units;
  return output;
}

std::vector<Parameter*> Dense::parameters() {
  if (!map_) return {};
  if (!options_.use_bias) return {&kernel_};
  return {&kernel_, &bias_};
}

const Tensor& Dense::run_forward(const Tensor& x, const Context& context) {
  const Shape& shape = x.shape();
  if (!map_ || shape.rank() < 2 || shape.back() != kernel_.value.shape()[0]) {
    const std::string features = map_ ? std::to_string(kernel_.value.shape()[0]) : "features";
    throw Error(ErrorCode::shape, name() + ".input", "(batch, ..., " + features + ")", shape.to_string());
  }
  if (!packed_) map_->pack(kernel_.value.data(), options_.use_bias ? bias_.value.data() : nullptr);
  packed_ = true;
  output_ = shape;  // within memory of its own
  output_[output_.rank() - 1] = options_.units;
  Tensor& sum = options_.activation.is_linear() ? y_ : sum_;
  sum.resize(output_);
  map_->forward(x.size() / shape.back(), x.data(), sum.data(), context.execution);
  if (!options_.activation.is_linear()) options_.activation.forward(sum_, y_);
  activity_.forward(y_);
  return y_;
}

const Tensor& Dense::run_backward(const Tensor& x, const Tensor& dy, bool want_dx, const Context& context) {
  const Tensor* d = &activity_.backward(y_, dy);
  if (!options_.activation.is_linear()) {
    options_.activation.backward(sum_, y_, *d, d_sum_);
    d = &d_sum_;
  }
  dx_.resize(want_dx ? x.shape() : Shape{0});
  map_->backward(x.size() / x.shape().back(),
                 x.data(),
                 d->data(),
                 want_dx ? dx_.data() : nullptr,
                 kernel_.d(),
                 options_.use_bias ? bias_.d() : nullptr,
                 context.execution);
  return dx_;
}

}  // namespace recurra
