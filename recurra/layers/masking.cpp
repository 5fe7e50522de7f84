#include "recurra/layers/masking.h"

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/base/shortest.h"

namespace recurra {

Masking::Masking(double mask_value, std::string name) : Layer(std::move(name)), mask_value_(mask_value) {
  if (!std::isfinite(mask_value))
    throw Error(ErrorCode::invalid_argument, "mask_value", "a finite number", shortest(mask_value));
}

nlohmann::json Masking::config() const {
  nlohmann::json config = base_config();
  config["mask_value"] = mask_value_;
  return config;
}

Shape Masking::run_build(const Shape& input, Random& random) {
  static_cast<void>(random);
  if (input.rank() != 2) {
    throw Error(
        ErrorCode::shape, name(), "input (batch, steps, features)", "(batch, ...) with " + input.to_string());
  }
  return input;
}

void Masking::copy_counted(const Tensor& from, Tensor& to) const {
  to.resize(from.shape());
  const i64 features = from.shape().back();
  for (i64 step = 0; step < mask_.batch() * mask_.steps(); ++step) {
    const float* x = from.data() + step * features;
    if (mask_.data()[step] != 0) {
      std::copy_n(x, features, to.data() + step * features);
    } else {
      std::fill_n(to.data() + step * features, features, 0.0F);
    }
  }
}

const Tensor& Masking::run_forward(const Tensor& x, const Context& context) {
  const Shape& shape = x.shape();
  if (shape.rank() != 3)
    throw Error(ErrorCode::shape, name() + ".input", "(batch, steps, features)", shape.to_string());
  const auto value = static_cast<float>(mask_value_);
  const i64 features = shape[2];
  const std::span<std::uint8_t> counts = mask_.assign(shape[0], shape[1]);
  const float* features_of_step = x.data();
  for (std::size_t step = 0; step < counts.size(); ++step, features_of_step += features) {
    const bool before = context.mask == nullptr || context.mask->data()[step] != 0;
    const bool padding = std::all_of(
        features_of_step, features_of_step + features, [&](float feature) { return feature == value; });
    counts[step] = before && !padding ? 1 : 0;
  }
  copy_counted(x, y_);
  return y_;
}

const Tensor& Masking::run_backward(const Tensor& x, const Tensor& dy, bool want_dx, const Context& context) {
  static_cast<void>(x);
  static_cast<void>(context);
  if (want_dx) {
    copy_counted(dy, dx_);
  } else {
    dx_.resize({0});
  }
  return dx_;
}

}  // namespace recurra
