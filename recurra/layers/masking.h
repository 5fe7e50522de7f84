/// Steps that do not count, found in the values.
#pragma once

#include "recurra/layers/layer.h"

namespace recurra {

/// Keras's Masking: (batch, steps, features) -> the same. A step all of whose features are `mask_value` does
/// not count behind this layer, nor one that did not before it; its outputs are 0.
class RECURRA_API Masking final : public Layer {
 public:
  /// Throws Error (invalid_argument) unless mask_value is finite.
  explicit Masking(double mask_value = 0, std::string name = "masking");

  [[nodiscard]] const char* type() const noexcept override { return "Masking"; }

  [[nodiscard]] nlohmann::json config() const override;

  [[nodiscard]] const StepMask* output_mask(const Context& context) const override {
    static_cast<void>(context);
    return &mask_;
  }

  [[nodiscard]] std::string streaming_obstacle() const override {
    return "it masks steps: leave them out of the stream, and the layer out of the model";
  }

 private:
  Shape run_build(const Shape& input, Random& random) override;
  const Tensor& run_forward(const Tensor& x, const Context& context) override;
  const Tensor& run_backward(const Tensor& x,
                             const Tensor& dy,
                             bool want_dx,
                             const Context& context) override;
  void copy_counted(const Tensor& from, Tensor& to) const;

  double mask_value_;
  StepMask mask_;
  Tensor y_, dx_;
};

}  // namespace recurra
