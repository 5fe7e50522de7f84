#include "recurra/layers/activation_layer.h"

#include <nlohmann/json.hpp>

namespace recurra {

nlohmann::json ActivationLayer::config() const {
  nlohmann::json config = base_config();
  config["activation"] = config_of(function_);
  return config;
}

Shape ActivationLayer::run_build(const Shape& input, Random& random) {
  static_cast<void>(random);
  return input;
}

const Tensor& ActivationLayer::run_forward(const Tensor& x, const Context& context) {
  static_cast<void>(context);
  function_.forward(x, y_);
  return y_;
}

const Tensor& ActivationLayer::run_backward(const Tensor& x,
                                            const Tensor& dy,
                                            bool want_dx,
                                            const Context& context) {
  static_cast<void>(context);
  if (want_dx) {
    function_.backward(x, y_, dy, dx_);
  } else {
    dx_.resize({0});
  }
  return dx_;
}

}  // namespace recurra
