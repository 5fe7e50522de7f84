#include "recurra/layers/lstm.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/layers/initializers.h"

namespace recurra {

Lstm::Lstm(const LstmOptions& options, std::string name) : Layer(std::move(name)), options_(options) {
  static_cast<void>(checked_size(options.units, "units", 1));
}

nlohmann::json Lstm::config() const {
  return {{"name", name()}, {"units", options_.units}, {"return_sequences", options_.return_sequences}};
}

Shape Lstm::build(const Shape& input, Random& random) {
  if (input.rank() != 2 || input.back() < 1) {
    throw Error(
        ErrorCode::shape, name(), "input (batch, steps, features)", "(batch, ...) with " + input.to_string());
  }
  const i64 units = options_.units;
  plan_.emplace(Recurrence{.cell = "lstm", .input = input.back(), .units = units});
  packs_.emplace(*plan_, PackedWeights::Use::training);
  packed_ = false;
  const auto make = [this](const char* parameter, Shape shape) {
    return Parameter{parameter, Tensor(shape), Tensor(shape), trainable()};
  };
  kernel_ = make("kernel", {input.back(), 4 * units});
  recurrent_kernel_ = make("recurrent_kernel", {units, 4 * units});
  bias_ = make("bias", {4 * units});
  glorot_uniform(kernel_.value, random);
  orthogonal(recurrent_kernel_.value, random);
  std::fill_n(bias_.value.data() + units, units, 1.0F);
  return options_.return_sequences ? Shape{input[0], units} : Shape{units};
}

std::vector<Parameter*> Lstm::parameters() {
  if (!plan_) return {};
  return {&kernel_, &recurrent_kernel_, &bias_};
}

Call Lstm::call_for(const Tensor& x, const Context& context) {
  Call call;
  call.batch = x.shape()[0];
  call.steps = x.shape()[1];
  call.x = batch_major(x.data(), call.steps, x.shape()[2]);
  call.mask = context.mask != nullptr ? context.mask->data() : nullptr;
  if (options_.return_sequences) {
    call.y = batch_major(y_.data(), call.steps, options_.units);
  } else {
    call.final[0] = y_.data();
  }
  return call;
}

const Tensor& Lstm::forward(const Tensor& x, const Context& context) {
  const Shape& shape = x.shape();
  if (!plan_ || shape.rank() != 3 || shape[2] != plan_->input()) {
    const std::string features = plan_ ? std::to_string(plan_->input()) : "features";
    throw Error(ErrorCode::shape, name() + ".input", "(batch, steps, " + features + ")", shape.to_string());
  }
  workspace_.prepare(
      *plan_,
      {.steps = shape[1], .batch = shape[0], .training = context.training, .masks = context.mask != nullptr});
  if (!packed_) {
    const Weights weights{
        .W = kernel_.value.data(), .U = recurrent_kernel_.value.data(), .b = bias_.value.data()};
    packs_->pack(*plan_, weights, context.execution);
    packed_ = true;
  }
  const i64 units = options_.units;
  y_.resize(options_.return_sequences ? Shape{shape[0], shape[1], units} : Shape{shape[0], units});
  recurra::forward(*plan_, *packs_, call_for(x, context), workspace_, context.training, context.execution);
  return y_;
}

const Tensor& Lstm::backward(const Tensor& x, const Tensor& dy, bool want_dx, const Context& context) {
  BackwardCall back;
  if (options_.return_sequences) {
    back.dy = batch_major(dy.data(), x.shape()[1], options_.units);
  } else {
    back.d_final[0] = dy.data();
  }
  dx_.resize(want_dx ? x.shape() : Shape{0});
  if (want_dx) back.dx = batch_major(dx_.data(), x.shape()[1], x.shape()[2]);
  back.d_weights = {.W = kernel_.d(), .U = recurrent_kernel_.d(), .b = bias_.d()};
  recurra::backward(*plan_, *packs_, call_for(x, context), back, workspace_, context.execution);
  return dx_;
}

}  // namespace recurra
