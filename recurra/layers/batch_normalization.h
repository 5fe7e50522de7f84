/// Batch normalization over the last axis.
#pragma once

#include <vector>

#include "recurra/layers/layer.h"

namespace recurra {

/// Arguments of BatchNormalization, with Keras's names and defaults.
struct BatchNormalizationOptions {
  i64 axis = -1;           ///< of the features, the last: -1 or its number with the batch as 0
  double momentum = 0.99;  ///< in [0, 1]: what the moving statistics keep at each training step
  double epsilon = 1e-3;   ///< > 0, added to the variance
  bool center = true;      ///< with beta
  bool scale = true;       ///< with gamma
  WeightOptions beta = {};
  WeightOptions gamma = {.initializer = Constant{1}};
  Initializer moving_mean_initializer = Constant{0};
  Initializer moving_variance_initializer = Constant{1};
};

/// y = gamma * (x - mean) / sqrt(variance + epsilon) + beta (Ioffe and Szegedy 2015), Keras's
/// BatchNormalization over the last axis: (batch, …, features) -> the same.
///
/// Training takes mean and (biased) variance of the batch, over all rows and those steps that
/// count, and moves the moving statistics; otherwise the moving statistics serve. Weights:
/// gamma, beta, moving_mean, moving_variance, each (features); the last two are not trainable. A layer that
/// is not trainable uses its moving statistics in training too, and leaves them as they are.
class RECURRA_API BatchNormalization final : public Layer {
 public:
  /// Throws Error (invalid_argument) on momentum outside [0, 1] or epsilon not above 0.
  explicit BatchNormalization(const BatchNormalizationOptions& options = {},
                              std::string name = "batch_normalization");

  [[nodiscard]] const char* type() const noexcept override { return "BatchNormalization"; }

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

  [[nodiscard]] bool uses_batch(const Context& context) const { return context.training && trainable(); }

  void find_counted_rows(const Tensor& x, const Context& context);
  void take_statistics(const Tensor& x);

  BatchNormalizationOptions options_;
  i64 features_ = 0;
  Parameter gamma_, beta_, moving_mean_, moving_variance_;
  std::vector<std::uint8_t> counted_;  // whether a row of (batch * steps) is in the statistics
  i64 count_ = 0;
  std::vector<double> mean_, inverse_;  // of the batch, for the way back: 1 / sqrt(variance + epsilon)
  std::vector<float> rounded_mean_, rounded_inverse_;  // of the last forward
  Tensor y_, dx_;
};

}  // namespace recurra
