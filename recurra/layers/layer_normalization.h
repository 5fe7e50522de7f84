/// Layer normalization over the last axis.
#pragma once

#include <vector>

#include "recurra/layers/layer.h"

namespace recurra {

/// Arguments of LayerNormalization, with Keras's names and defaults.
struct LayerNormalizationOptions {
  i64 axis = -1;          ///< of the features, the last: -1 or its number with the batch as 0
  double epsilon = 1e-3;  ///< > 0, added to the variance
  bool center = true;     ///< with beta
  bool scale = true;      ///< with gamma
  WeightOptions beta = {};
  WeightOptions gamma = {.initializer = Constant{1}};
};

/// y = gamma * (x - mean) / sqrt(variance + epsilon) + beta (Ba, Kiros and Hinton 2016), mean and (biased)
/// variance of each row of the last axis, Keras's LayerNormalization: (batch, …, features) -> the same.
/// Weights: gamma, beta, each (features).
class RECURRA_API LayerNormalization final : public Layer {
 public:
  /// Throws Error (invalid_argument) on an epsilon not above 0.
  explicit LayerNormalization(const LayerNormalizationOptions& options = {},
                              std::string name = "layer_normalization");

  [[nodiscard]] const char* type() const noexcept override { return "LayerNormalization"; }

  [[nodiscard]] nlohmann::json config() const override;
  [[nodiscard]] std::vector<Parameter*> parameters() override;

  [[nodiscard]] std::string streaming_obstacle() const override { return {}; }

 private:
  Shape run_build(const Shape& input, Random& random) override;
  const Tensor& run_forward(const Tensor& x, const Context& context) override;
  const Tensor& run_backward(const Tensor& x,
                             const Tensor& dy,
                             bool want_dx,
                             const Context& context) override;

  LayerNormalizationOptions options_;
  i64 features_ = 0;
  Parameter gamma_, beta_;
  std::vector<float> inverse_;            // of each row, for the way back: 1 / sqrt(variance + epsilon)
  std::vector<double> d_gamma_, d_beta_;  // sums over rows
  Tensor normalized_;                     // x - mean, times the inverse
  Tensor y_, dx_;
};

}  // namespace recurra
