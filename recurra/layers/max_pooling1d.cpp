#include "recurra/layers/max_pooling1d.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/layers/step_windows.h"

namespace recurra {

namespace {

/// Puts what is larger than the largest so far, or not a number, and its place in its stead: one step, whose
/// features begin at place `first`.
void take_larger(const float* x, i64 first, i64 features, float* largest, i64* winners) {
  for (i64 j = 0; j < features; ++j) {
    const bool larger = x[j] > largest[j] || (std::isnan(x[j]) && !std::isnan(largest[j]));
    largest[j] = larger ? x[j] : largest[j];
    winners[j] = larger ? first + j : winners[j];
  }
}

}  // namespace

MaxPooling1d::MaxPooling1d(const MaxPooling1dOptions& options, std::string name)
    : Layer(std::move(name)), options_(options) {
  require_positive("pool_size", options.pool_size);
  require_positive("strides", strides());
  if (options.padding == Padding::causal)
    throw Error(ErrorCode::invalid_argument, "padding", "valid or same", "causal");
}

nlohmann::json MaxPooling1d::config() const {
  nlohmann::json config = base_config();
  config["pool_size"] = nlohmann::json::array({options_.pool_size});
  config["strides"] = nlohmann::json::array({strides()});
  config["padding"] = name_of(options_.padding);
  config["data_format"] = "channels_last";
  return config;
}

Shape MaxPooling1d::run_build(const Shape& input, Random& random) {
  static_cast<void>(random);
  if (input.rank() != 2 || input.back() < 1) {
    throw Error(
        ErrorCode::shape, name(), "input (batch, steps, features)", "(batch, ...) with " + input.to_string());
  }
  const StepWindows windows{options_.pool_size, strides(), 1, options_.padding};
  return {windows.windows(input[0], name()), input.back()};
}

const Tensor& MaxPooling1d::run_forward(const Tensor& x, const Context& context) {
  static_cast<void>(context);
  const Shape& shape = x.shape();
  if (shape.rank() != 3)
    throw Error(ErrorCode::shape, name() + ".input", "(batch, steps, features)", shape.to_string());
  const StepWindows windows{options_.pool_size, strides(), 1, options_.padding};
  const i64 steps = shape[1];
  const i64 features = shape[2];
  const i64 outputs = windows.windows(steps, name() + ".input");
  y_.resize({shape[0], outputs, features});
  winners_.resize(static_cast<std::size_t>(y_.size()));
  float* y = y_.data();
  i64* winners = winners_.data();
  for (i64 row = 0; row < shape[0]; ++row) {
    for (i64 window = 0; window < outputs; ++window, y += features, winners += features) {
      const i64 begin = std::max<i64>(windows.step(window, 0, steps), 0);
      const i64 end = std::min(windows.step(window, options_.pool_size, steps), steps);
      const i64 place = (row * steps + begin) * features;
      std::copy_n(x.data() + place, features, y);
      std::iota(winners, winners + features, place);
      for (i64 step = begin + 1; step < end; ++step) {
        const i64 first = (row * steps + step) * features;
        take_larger(x.data() + first, first, features, y, winners);
      }
    }
  }
  return y_;
}

const Tensor& MaxPooling1d::run_backward(const Tensor& x,
                                         const Tensor& dy,
                                         bool want_dx,
                                         const Context& context) {
  static_cast<void>(context);
  dx_.resize(want_dx ? x.shape() : Shape{0});
  if (!want_dx) return dx_;
  std::fill_n(dx_.data(), dx_.size(), 0.0F);
  for (i64 at = 0; at < dy.size(); ++at) dx_.data()[winners_[static_cast<std::size_t>(at)]] += dy.data()[at];
  return dx_;
}

}  // namespace recurra
