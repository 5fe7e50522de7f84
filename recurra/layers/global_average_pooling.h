/// One vector for a sequence: the mean of its steps.
#pragma once

#include <vector>

#include "recurra/layers/layer.h"

namespace recurra {

/// Keras's GlobalAveragePooling1D: (batch, steps, features) -> (batch, features), the mean over the steps
/// that count. As in Keras, a row none of whose steps counts gives NaN. Nothing is masked behind it.
/// In the gradient of the input, steps that do not count get 0.
class RECURRA_API GlobalAveragePooling1d final : public Layer {
 public:
  /// Has no options.
  explicit GlobalAveragePooling1d(std::string name = "global_average_pooling1d") : Layer(std::move(name)) {}

  [[nodiscard]] const char* type() const noexcept override { return "GlobalAveragePooling1D"; }

  [[nodiscard]] nlohmann::json config() const override;

  [[nodiscard]] const StepMask* output_mask(const Context& context) const override {
    static_cast<void>(context);
    return nullptr;
  }

  [[nodiscard]] std::string streaming_obstacle() const override { return "it is the mean of all steps"; }

 private:
  Shape run_build(const Shape& input, Random& random) override;
  const Tensor& run_forward(const Tensor& x, const Context& context) override;
  const Tensor& run_backward(const Tensor& x,
                             const Tensor& dy,
                             bool want_dx,
                             const Context& context) override;
  std::vector<double> sum_;  // over the steps of one row
  Tensor y_, dx_;
};

}  // namespace recurra
