#include "recurra/layers/time_distributed.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"

namespace recurra {

namespace {

constexpr std::array<std::string_view, 7> supported = {
    "Dense", "Activation", "Dropout", "Flatten", "LSTM", "GRU", "SimpleRNN"};

Context without_mask(const Context& context) {
  Context inner = context;
  inner.mask = nullptr;
  return inner;
}

/// (a, b, …) -> (a * b, …)
Shape folded(const Shape& shape) {
  std::vector<i64> extents(shape.extents().begin() + 1, shape.extents().end());
  extents[0] *= shape[0];
  return Shape(std::move(extents));
}

/// The extents of `steps` as far as the axis of steps, then those of `rows` behind its first.
Shape unfolded(const Shape& steps, const Shape& rows) {
  std::vector<i64> extents = {steps[0], steps[1]};
  extents.insert(extents.end(), rows.extents().begin() + 1, rows.extents().end());
  return Shape(std::move(extents));
}

void copy_as(const Tensor& from, Shape shape, Tensor& to) {
  to.resize(std::move(shape));
  std::ranges::copy(from.as<float>(), to.data());
}

}  // namespace

void TimeDistributed::check_type(std::string_view type) {
  if (std::ranges::find(supported, type) != supported.end()) return;
  std::string names;
  for (const std::string_view name : supported) names.append(names.empty() ? "" : ", ").append(name);
  throw Error(ErrorCode::unsupported, "TimeDistributed.layer", names, std::string(type));
}

TimeDistributed::TimeDistributed(std::unique_ptr<Layer> layer, std::string name)
    : Layer(std::move(name)), layer_(std::move(layer)) {
  check_type(layer_->type());
  const auto refuse = [&](const char* expected, const char* actual) {
    throw Error(ErrorCode::unsupported, "TimeDistributed.layer", expected, layer_->name() + actual);
  };
  if (!layer_->config().value("activity_regularizer", nlohmann::json()).is_null())
    refuse("layers without activity_regularizer", " with one");
  if (layer_->stateful()) refuse("layers that are not stateful", " that is");
}

nlohmann::json TimeDistributed::config() const {
  nlohmann::json config = base_config();
  config["layer"] = {{"class_name", layer_->type()}, {"config", layer_->config()}};
  return config;
}

Shape TimeDistributed::run_build(const Shape& input, Random& random) {
  if (input.rank() < 2) {
    throw Error(
        ErrorCode::shape, name(), "input (batch, steps, ...)", "(batch, ...) with " + input.to_string());
  }
  std::vector<i64> extents(input.extents().begin() + 1, input.extents().end());
  const Shape step = layer_->build(Shape(std::move(extents)), random);
  for (Parameter* parameter : layer_->parameters()) parameter->name.insert(0, "layer/");
  std::vector<i64> output = step.extents();
  output.insert(output.begin(), input[0]);
  return Shape(std::move(output));
}

void TimeDistributed::set_trainable(bool trainable) {
  Layer::set_trainable(trainable);
  layer_->set_trainable(trainable);
}

const Tensor& TimeDistributed::run_forward(const Tensor& x, const Context& context) {
  if (x.shape().rank() < 3)
    throw Error(ErrorCode::shape, name() + ".input", "(batch, steps, ...)", x.shape().to_string());
  copy_as(x, folded(x.shape()), x_);
  const Tensor& y = layer_->forward(x_, without_mask(context));
  copy_as(y, unfolded(x.shape(), y.shape()), y_);
  return y_;
}

const Tensor& TimeDistributed::run_backward(const Tensor& x,
                                            const Tensor& dy,
                                            bool want_dx,
                                            const Context& context) {
  copy_as(dy, folded(dy.shape()), dy_);
  const Tensor& dx = layer_->backward(x_, dy_, want_dx, without_mask(context));
  copy_as(dx, want_dx ? x.shape() : Shape{0}, dx_);
  return dx_;
}

}  // namespace recurra
