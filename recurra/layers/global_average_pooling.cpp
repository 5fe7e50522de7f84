#include "recurra/layers/global_average_pooling.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"

namespace recurra {

namespace {

bool counts(const Context& context, i64 row, i64 step) {
  return context.mask == nullptr || context.mask->counts(row, step);
}

i64 counted_steps(const Context& context, i64 row, i64 steps) {
  i64 count = 0;
  for (i64 step = 0; step < steps; ++step) count += counts(context, row, step) ? 1 : 0;
  return count;
}

}  // namespace

nlohmann::json GlobalAveragePooling1d::config() const {
  nlohmann::json config = base_config();
  config["data_format"] = "channels_last";
  config["keepdims"] = false;
  return config;
}

Shape GlobalAveragePooling1d::run_build(const Shape& input, Random& random) {
  static_cast<void>(random);
  if (input.rank() != 2 || input.back() < 1) {
    throw Error(
        ErrorCode::shape, name(), "input (batch, steps, features)", "(batch, ...) with " + input.to_string());
  }
  return {input.back()};
}

const Tensor& GlobalAveragePooling1d::run_forward(const Tensor& x, const Context& context) {
  const Shape& shape = x.shape();
  if (shape.rank() != 3)
    throw Error(ErrorCode::shape, name() + ".input", "(batch, steps, features)", shape.to_string());
  const i64 steps = shape[1];
  const i64 features = shape[2];
  y_.resize({shape[0], features});
  const float* from = x.data();
  float* y = y_.data();
  for (i64 row = 0; row < shape[0]; ++row) {
    // In double: a long sequence keeps its digits.
    sum_.assign(static_cast<std::size_t>(features), 0.0);
    for (i64 step = 0; step < steps; ++step, from += features) {
      if (counts(context, row, step))
        std::transform(from, from + features, sum_.begin(), sum_.begin(), std::plus());
    }
    const auto count = static_cast<double>(counted_steps(context, row, steps));
    y = std::ranges::transform(sum_, y, [=](double sum) { return static_cast<float>(sum / count); }).out;
  }
  return y_;
}

const Tensor& GlobalAveragePooling1d::run_backward(const Tensor& x,
                                                   const Tensor& dy,
                                                   bool want_dx,
                                                   const Context& context) {
  if (!want_dx) {
    dx_.resize({0});
    return dx_;
  }
  dx_.resize(x.shape());
  const i64 steps = x.shape()[1];
  const i64 features = x.shape()[2];
  float* dx = dx_.data();
  for (i64 row = 0; row < x.shape()[0]; ++row) {
    const float* d = dy.data() + row * features;
    const float share = 1.0F / static_cast<float>(counted_steps(context, row, steps));
    for (i64 step = 0; step < steps; ++step) {
      dx = counts(context, row, step)
               ? std::transform(d, d + features, dx, [=](float value) { return value * share; })
               : std::fill_n(dx, features, 0.0F);
    }
  }
  return dx_;
}

}  // namespace recurra
