#include "recurra/layers/dense.h"

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/layers/initializers.h"

namespace recurra {

Dense::Dense(const DenseOptions& options, std::string name) : Layer(std::move(name)), options_(options) {
  static_cast<void>(checked_size(options.units, "units", 1));
}

nlohmann::json Dense::config() const {
  return {{"name", name()}, {"units", options_.units}};
}

Shape Dense::build(const Shape& input, Random& random) {
  if (input.rank() < 1 || input.back() < 1) {
    throw Error(
        ErrorCode::shape, name(), "input (batch, ..., features)", "(batch, ...) with " + input.to_string());
  }
  const Shape shape{input.back(), options_.units};
  kernel_ = {"kernel", Tensor(shape), Tensor(shape)};
  bias_ = {"bias", Tensor({options_.units}), Tensor({options_.units})};
  glorot_uniform(kernel_.value, random);
  map_.emplace(input.back(), options_.units);
  packed_ = false;
  Shape output = input;
  output[output.rank() - 1] = options_.units;
  return output;
}

std::vector<Parameter*> Dense::parameters() {
  if (!map_) return {};
  return {&kernel_, &bias_};
}

const Tensor& Dense::forward(const Tensor& x, const Context& context) {
  const Shape& shape = x.shape();
  if (!map_ || shape.rank() < 2 || shape.back() != kernel_.value.shape()[0]) {
    const std::string features = map_ ? std::to_string(kernel_.value.shape()[0]) : "features";
    throw Error(ErrorCode::shape, name() + ".input", "(batch, ..., " + features + ")", shape.to_string());
  }
  if (!packed_) map_->pack(kernel_.value.data(), bias_.value.data());
  packed_ = true;
  Shape output = shape;
  output[output.rank() - 1] = options_.units;
  y_.resize(output);
  map_->forward(x.size() / shape.back(), x.data(), y_.data(), context.execution);
  return y_;
}

const Tensor& Dense::backward(const Tensor& x, const Tensor& dy, bool want_dx, const Context& context) {
  dx_.resize(want_dx ? x.shape() : Shape{0});
  map_->backward(x.size() / x.shape().back(),
                 x.data(),
                 dy.data(),
                 want_dx ? dx_.data() : nullptr,
                 kernel_.gradient.data(),
                 bias_.gradient.data(),
                 context.execution);
  return dx_;
}

}  // namespace recurra
