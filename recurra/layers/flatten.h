/// All axes behind the batch as one.
#pragma once

#include <optional>

#include "recurra/layers/layer.h"

namespace recurra {

/// Keras's Flatten: (batch, …) -> (batch, elements of a row). Nothing is masked behind it.
class RECURRA_API Flatten final : public Layer {
 public:
  /// Has no options.
  explicit Flatten(std::string name = "flatten") : Layer(std::move(name)) {}

  [[nodiscard]] const char* type() const noexcept override { return "Flatten"; }

  [[nodiscard]] nlohmann::json config() const override;

  [[nodiscard]] const StepMask* output_mask(const Context& context) const override {
    static_cast<void>(context);
    return nullptr;
  }

  [[nodiscard]] std::string streaming_obstacle() const override {
    return row_ && row_->rank() > 1 ? "it joins all steps" : "";
  }

 private:
  Shape run_build(const Shape& input, Random& random) override;
  const Tensor& run_forward(const Tensor& x, const Context& context) override;
  const Tensor& run_backward(const Tensor& x,
                             const Tensor& dy,
                             bool want_dx,
                             const Context& context) override;
  std::optional<Shape> row_;  // that build was given
  Tensor y_, dx_;
};

}  // namespace recurra
