/// A convolution over the steps of a sequence.
#pragma once

#include <optional>

#include "recurra/engine/affine.h"
#include "recurra/layers/activation_function.h"
#include "recurra/layers/layer.h"
#include "recurra/layers/padding.h"

namespace recurra {

/// Arguments of Conv1D, with Keras's names and defaults.
struct Conv1dOptions {
  i64 filters = 0;      ///< > 0
  i64 kernel_size = 0;  ///< > 0, steps that an output sees
  i64 strides = 1;      ///< > 0, steps from one output to the next
  Padding padding = Padding::valid;
  i64 dilation_rate = 1;  ///< > 0, steps from one that an output sees to the next
  ActivationFunction activation = {};
  bool use_bias = true;
  WeightOptions kernel = {.initializer = glorot_uniform_initializer};
  WeightOptions bias = {};
  std::shared_ptr<const Regularizer> activity_regularizer = nullptr;  ///< null: none
};

/// Keras's Conv1D: (batch, steps, features) -> (batch, outputs, filters), each output activation(the window's
/// steps times kernel, + bias). Weights: kernel (kernel_size, features, filters), bias (filters). Nothing is
/// masked behind it, as in Keras.
class RECURRA_API Conv1d final : public Layer {
 public:
  /// Throws Error (invalid_argument) for a number below 1, or strides and dilation both above 1.
  explicit Conv1d(const Conv1dOptions& options, std::string name = "conv1d");

  [[nodiscard]] const char* type() const noexcept override { return "Conv1D"; }

  [[nodiscard]] nlohmann::json config() const override;
  [[nodiscard]] std::vector<Parameter*> parameters() override;

  void parameters_changed() override { packed_ = false; }

  [[nodiscard]] const StepMask* output_mask(const Context& context) const override {
    static_cast<void>(context);
    return nullptr;
  }

  [[nodiscard]] std::string streaming_obstacle() const override { return "an output needs several steps"; }

 private:
  Shape run_build(const Shape& input, Random& random) override;
  const Tensor& run_forward(const Tensor& x, const Context& context) override;
  const Tensor& run_backward(const Tensor& x,
                             const Tensor& dy,
                             bool want_dx,
                             const Context& context) override;
  void gather_windows(const Tensor& x);
  void scatter_windows(const Shape& x);

  Conv1dOptions options_;
  std::optional<Affine> map_;
  bool packed_ = false;
  i64 features_ = 0;
  Parameter kernel_, bias_;
  Tensor windows_, d_windows_;  // (batch, outputs, kernel_size, features)
  Tensor sum_;                  // before an activation
  Tensor y_, d_sum_, dx_;
};

}  // namespace recurra
