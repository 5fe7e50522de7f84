/// A layer for each step.
#pragma once

#include <memory>
#include <string_view>

#include "recurra/layers/layer.h"

namespace recurra {

/// Keras's TimeDistributed: (batch, steps, …) -> (batch, steps, …), the layer within applied to each step
/// with the same weights: layer/kernel, …. It sees the steps of all rows as one batch, without a mask; steps
/// that do not count before do not count behind.
class RECURRA_API TimeDistributed final : public Layer {
 public:
  /// Throws Error (unsupported) for layers whose values or costs would depend on how the steps are batched:
  /// all but Dense, Activation, Dropout, Flatten, LSTM, GRU and SimpleRNN, those with an
  /// activity_regularizer, and stateful ones.
  explicit TimeDistributed(std::unique_ptr<Layer> layer, std::string name = "time_distributed");

  /// The constructor's check of a type alone.
  static void check_type(std::string_view type);

  [[nodiscard]] const char* type() const noexcept override { return "TimeDistributed"; }

  [[nodiscard]] nlohmann::json config() const override;

  [[nodiscard]] std::vector<Parameter*> parameters() override { return layer_->parameters(); }

  void parameters_changed() override { layer_->parameters_changed(); }

  void set_trainable(bool trainable) override;

  [[nodiscard]] const Report* report() const noexcept override { return layer_->report(); }

  [[nodiscard]] const Layer& layer() const noexcept { return *layer_; }

  [[nodiscard]] std::string streaming_obstacle() const override {
    return "it folds the steps of a whole sequence";
  }

 private:
  Shape run_build(const Shape& input, Random& random) override;
  const Tensor& run_forward(const Tensor& x, const Context& context) override;
  const Tensor& run_backward(const Tensor& x,
                             const Tensor& dy,
                             bool want_dx,
                             const Context& context) override;
  std::unique_ptr<Layer> layer_;
  Tensor x_, dy_;  // with the steps of all rows as one batch
  Tensor y_, dx_;
};

}  // namespace recurra
