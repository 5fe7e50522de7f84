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
  row_ = input;
  return {input.elements()};
}

const Tensor& Flatten::run_forward(const Tensor& x, const Context& context) {
  static_cast<void>(context);
  const std::vector<i64>& extents = x.shape().extents();
  const bool fits =
      row_ && !extents.empty() &&
      std::equal(extents.begin() + 1, extents.end(), row_->extents().begin(), row_->extents().end());
  if (!fits) {
    throw Error(ErrorCode::shape,
                name() + ".input",
                row_ ? "(batch, ...) with " + row_->to_string() : "a shape it was built for",
                x.shape().to_string());
  }
  copy_as(x, {extents[0], row_->elements()}, y_);
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
