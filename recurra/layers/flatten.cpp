#include "recurra/layers/flatten.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"

namespace recurra {

namespace {

void copy_as(const Tensor& from, Shape shape, Tensor& to) {
  to.resize(std::move(shape));
  std::ranges::copy(from.as<float>(), to.data());
}

}  // namespace

nlohmann::json Flatten::config() const {
  nlohmann::json config = base_config();
  config["data_format"] = "channels_last";
  return config;
}

Shape Flatten::run_build(const Shape& input, Random& random) {
  static_cast<void>(random);
  if (std::ranges::find(input.extents(), any_extent) != input.extents().end()) {
    throw Error(ErrorCode::shape,
                name(),
                "input with extents known before training",
                "(batch, ...) with " + input.to_string());
  }
  return {input.elements()};
}

const Tensor& Flatten::run_forward(const Tensor& x, const Context& context) {
  static_cast<void>(context);
  const i64 batch = x.shape()[0];
  copy_as(x, {batch, batch > 0 ? x.size() / batch : 0}, y_);
  return y_;
}

const Tensor& Flatten::run_backward(const Tensor& x, const Tensor& dy, bool want_dx, const Context& context) {
  static_cast<void>(context);
  if (want_dx) {
    copy_as(dy, x.shape(), dx_);
  } else {
    dx_.resize({0});
  }
  return dx_;
}

}  // namespace recurra
