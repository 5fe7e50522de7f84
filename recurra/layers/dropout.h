/// Dropout of a layer's inputs.
#pragma once

#include <optional>

#include "recurra/layers/layer.h"

namespace recurra {

/// Arguments of Dropout, with Keras's names and defaults.
struct DropoutOptions {
  double rate = 0;  ///< 0 to 1: the share of elements that become 0; the others times 1 / (1 - rate)
  std::optional<i64> seed = {};  ///< in place of the model's
};

/// Keras's Dropout: (batch, …) -> the same. In training each element of x is 0 with probability `rate`, else
/// x / (1 - rate); otherwise y = x (Srivastava et al. 2014). With rate 1 all are 0.
class RECURRA_API Dropout final : public Layer {
 public:
  /// Throws Error (invalid_argument) unless rate is 0 to 1.
  explicit Dropout(const DropoutOptions& options, std::string name = "dropout");

  [[nodiscard]] const char* type() const noexcept override { return "Dropout"; }

  [[nodiscard]] nlohmann::json config() const override;

  /// What each element of x was multiplied by in the last training forward.
  [[nodiscard]] const Tensor& factors() const noexcept { return factors_; }

  [[nodiscard]] std::string streaming_obstacle() const override { return {}; }

 private:
  Shape run_build(const Shape& input, Random& random) override;
  const Tensor& run_forward(const Tensor& x, const Context& context) override;
  const Tensor& run_backward(const Tensor& x,
                             const Tensor& dy,
                             bool want_dx,
                             const Context& context) override;
  void draw_factors(const Shape& shape, const Context& context);

  DropoutOptions options_;
  Tensor factors_, y_, dx_;
};

}  // namespace recurra
