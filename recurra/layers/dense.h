/// The Dense layer, on the same kernels as the recurrence.
#pragma once

#include <optional>

#include "recurra/engine/affine.h"
#include "recurra/layers/activation_function.h"
#include "recurra/layers/layer.h"

namespace recurra {

/// Arguments of Dense, with Keras's names and defaults.
struct DenseOptions {
  i64 units = 0;  ///< > 0
  ActivationFunction activation = {};
  bool use_bias = true;
  WeightOptions kernel = {.initializer = glorot_uniform_initializer};
  WeightOptions bias = {};
  std::shared_ptr<const Regularizer> activity_regularizer = nullptr;  ///< null: none
};

/// y = activation(x kernel + bias) over the last axis, Keras's Dense: (batch, …, features) -> (batch, …,
/// units). Weights: kernel (features, units), bias (units).
class RECURRA_API Dense final : public Layer {
 public:
  /// Throws Error (invalid_argument) unless units > 0.
  explicit Dense(const DenseOptions& options, std::string name = "dense");

  [[nodiscard]] const char* type() const noexcept override { return "Dense"; }

  [[nodiscard]] nlohmann::json config() const override;
  [[nodiscard]] std::vector<Parameter*> parameters() override;

  void parameters_changed() override { packed_ = false; }

  [[nodiscard]] std::string streaming_obstacle() const override { return {}; }

 private:
  Shape run_build(const Shape& input, Random& random) override;
  const Tensor& run_forward(const Tensor& x, const Context& context) override;
  const Tensor& run_backward(const Tensor& x,
                             const Tensor& dy,
                             bool want_dx,
                             const Context& context) override;
  DenseOptions options_;
  std::optional<Affine> map_;
  bool packed_ = false;
  Parameter kernel_, bias_;
  Shape output_;
  Tensor sum_;  // before an activation
  Tensor y_, d_sum_, dx_;
};

}  // namespace recurra
