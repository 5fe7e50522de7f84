#include "recurra/layers/dropout.h"

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/base/shortest.h"
#include "recurra/layers/dropout_factors.h"

namespace recurra {

namespace {

void multiply(const Tensor& x, const Tensor& factors, Tensor& y) {
  y.resize(x.shape());
  const float* from = x.data();
  const float* factor = factors.data();
  float* to = y.data();
  for (i64 i = 0; i < x.size(); ++i) to[i] = from[i] * factor[i];
}

}  // namespace

Dropout::Dropout(const DropoutOptions& options, std::string name)
    : Layer(std::move(name)), options_(options) {
  if (!(options.rate >= 0 && options.rate <= 1))
    throw Error(ErrorCode::invalid_argument, "rate", "0 to 1", shortest(options.rate));
}

nlohmann::json Dropout::config() const {
  nlohmann::json config = base_config();
  config["rate"] = options_.rate;
  config["seed"] = options_.seed ? nlohmann::json(*options_.seed) : nlohmann::json();
  config["noise_shape"] = nullptr;
  return config;
}

Shape Dropout::run_build(const Shape& input, Random& random) {
  static_cast<void>(random);
  return input;
}

void Dropout::draw_factors(const Shape& shape, const Context& context) {
  factors_.resize(shape);
  DropoutStream stream = context.dropout;
  if (options_.seed) stream.seed = static_cast<std::uint64_t>(*options_.seed);
  draw_dropout_factors(options_.rate, {stream}, factors_, context.execution);
}

const Tensor& Dropout::run_forward(const Tensor& x, const Context& context) {
  if (!context.training || options_.rate == 0) return x;
  draw_factors(x.shape(), context);
  multiply(x, factors_, y_);
  return y_;
}

const Tensor& Dropout::run_backward(const Tensor& x, const Tensor& dy, bool want_dx, const Context& context) {
  static_cast<void>(x);
  static_cast<void>(context);
  if (!want_dx) {
    dx_.resize({0});
    return dx_;
  }
  if (options_.rate == 0) return dy;
  multiply(dy, factors_, dx_);
  return dx_;
}

}  // namespace recurra
