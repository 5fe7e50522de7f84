/// A layer that is nothing but an activation.
#pragma once

#include "recurra/layers/activation_function.h"
#include "recurra/layers/layer.h"

namespace recurra {

/// Keras's Activation: (batch, …) -> the same, each element or row of the last axis through `activation`.
class RECURRA_API ActivationLayer final : public Layer {
 public:
  /// Of any activation.
  explicit ActivationLayer(const ActivationFunction& activation, std::string name = "activation")
      : Layer(std::move(name)), function_(activation) {}

  [[nodiscard]] const char* type() const noexcept override { return "Activation"; }

  [[nodiscard]] nlohmann::json config() const override;

  [[nodiscard]] std::string streaming_obstacle() const override { return {}; }

 private:
  Shape run_build(const Shape& input, Random& random) override;
  const Tensor& run_forward(const Tensor& x, const Context& context) override;
  const Tensor& run_backward(const Tensor& x,
                             const Tensor& dy,
                             bool want_dx,
                             const Context& context) override;
  ActivationFunction function_;
  Tensor y_, dx_;
};

}  // namespace recurra
