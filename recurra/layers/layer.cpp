#include "recurra/layers/layer.h"

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"

namespace recurra {

namespace {

void require_dtype(bool fits, const std::string& subject, const Tensor& tensor) {
  if (fits) return;
  throw Error(
      ErrorCode::dtype, subject, std::string(name_of(Dtype::f32)), std::string(name_of(tensor.dtype())));
}

void require_shape(const std::string& subject, const Shape& expected, const Shape& actual) {
  if (actual != expected)
    throw Error(ErrorCode::shape, subject, "shape " + expected.to_string(), actual.to_string());
}

}  // namespace

Shape Layer::build(const Shape& input, Random& random) {
  trained_ = false;
  return run_build(input, random);
}

void Layer::check_mask(const Shape& x, const StepMask* mask) const {
  if (mask == nullptr) return;
  if (x.rank() < 2) throw Error(ErrorCode::shape, name_ + ".mask", "none for an input without steps", "one");
  require_shape(name_ + ".mask", {x[0], x[1]}, {mask->batch(), mask->steps()});
}

const Tensor& Layer::forward(const Tensor& x, const Context& context) {
  if (!takes(x.dtype())) require_dtype(false, name_ + ".input", x);  // no text is made without need
  check_mask(x.shape(), context.mask);
  trained_ = false;
  const Tensor& y = run_forward(x, context);
  x_shape_ = x.shape();
  y_shape_ = y.shape();
  masked_ = context.mask != nullptr;
  trained_ = context.training;
  return y;
}

const Tensor& Layer::backward(const Tensor& x, const Tensor& dy, bool want_dx, const Context& context) {
  if (!trained_)
    throw Error(ErrorCode::invalid_argument, name_ + ".backward", "a training forward before", "none");
  if (!context.training)
    throw Error(ErrorCode::invalid_argument, name_ + ".backward", "a training context", "one of inference");
  require_dtype(takes(x.dtype()), name_ + ".input", x);
  require_shape(name_ + ".input", x_shape_, x.shape());
  check_mask(x.shape(), context.mask);
  if (masked_ != (context.mask != nullptr)) {
    throw Error(ErrorCode::invalid_argument,
                name_ + ".mask",
                masked_ ? "one as forward had" : "none as forward had",
                masked_ ? "none" : "one");
  }
  require_dtype(dy.dtype() == Dtype::f32, name_ + ".dy", dy);
  require_shape(name_ + ".dy", y_shape_, dy.shape());
  return run_backward(x, dy, want_dx, context);
}

double Layer::penalty() {
  double sum = activity_.value();
  for (const Parameter* parameter : parameters()) {
    if (parameter->trainable && parameter->regularizer != nullptr)
      sum += parameter->regularizer->value(parameter->value);
  }
  return sum;
}

Parameter Layer::make_parameter(std::string name,
                                const Shape& shape,
                                const WeightOptions& options,
                                Random& random) const {
  Parameter parameter{std::move(name), Tensor(shape), Tensor(), trainable()};
  if (trainable()) parameter.gradient = Tensor(shape);
  initialize(options.initializer, parameter.value, random);
  parameter.regularizer = options.regularizer;
  parameter.constraint = options.constraint;
  if (options.constraint != nullptr) {
    Tensor probe(shape);  // one that does not fit the shape says so now, not after the first update
    options.constraint->apply(probe);
  }
  return parameter;
}

nlohmann::json Layer::base_config() const {
  return {{"name", name_}, {"trainable", trainable_}};
}

}  // namespace recurra
