/// The largest of every few steps.
#pragma once

#include <optional>
#include <vector>

#include "recurra/layers/layer.h"
#include "recurra/layers/padding.h"

namespace recurra {

/// Arguments of MaxPooling1D, with Keras's names and defaults.
struct MaxPooling1dOptions {
  i64 pool_size = 2;                 ///< > 0, steps that an output is the largest of
  std::optional<i64> strides = {};   ///< > 0, steps from one output to the next; none: pool_size
  Padding padding = Padding::valid;  ///< what lies around is smaller than any number; not causal
};

/// Keras's MaxPooling1D: (batch, steps, features) -> (batch, outputs, features), the largest of a window's
/// steps for each feature, NaN where there is one; of several that are equal the first has the gradient.
/// Nothing is masked behind it, as in Keras.
class RECURRA_API MaxPooling1d final : public Layer {
 public:
  /// Throws Error (invalid_argument) for a number below 1 or causal padding.
  explicit MaxPooling1d(const MaxPooling1dOptions& options = {}, std::string name = "max_pooling1d");

  [[nodiscard]] const char* type() const noexcept override { return "MaxPooling1D"; }

  [[nodiscard]] nlohmann::json config() const override;

  [[nodiscard]] const StepMask* output_mask(const Context& context) const override {
    static_cast<void>(context);
    return nullptr;
  }

  [[nodiscard]] std::string streaming_obstacle() const override { return "it joins steps"; }

 private:
  Shape run_build(const Shape& input, Random& random) override;
  const Tensor& run_forward(const Tensor& x, const Context& context) override;
  const Tensor& run_backward(const Tensor& x,
                             const Tensor& dy,
                             bool want_dx,
                             const Context& context) override;

  [[nodiscard]] i64 strides() const noexcept { return options_.strides.value_or(options_.pool_size); }

  MaxPooling1dOptions options_;
  std::vector<i64> winners_;  // place in x of each output
  Tensor y_, dx_;
};

}  // namespace recurra
