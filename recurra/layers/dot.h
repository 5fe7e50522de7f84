/// Products of two inputs, row by row of the batch.
#pragma once

#include <array>

#include "recurra/layers/function_layer.h"

namespace recurra {

/// Arguments of Dot, with Keras's names and defaults.
struct DotOptions {
  std::array<i64, 2> axes = {-1, -1};  ///< of each input, with the batch as 0, from the end where negative
  bool normalize = false;              ///< vectors along these axes become 1 long; zeros stay
};

/// Keras's Dot: the sum over one axis of each of two inputs, of the products of both, row by row of the
/// batch. (batch, a …) and (batch, b …) -> (batch, the axes left of a, those left of b), or (batch, 1) where
/// none is left. Nothing is masked behind it, as in Keras.
class RECURRA_API Dot final : public FunctionLayer {
 public:
  /// Throws Error (invalid_argument) for an axis 0.
  explicit Dot(const DotOptions& options = {}, std::string name = "dot");

  [[nodiscard]] const char* type() const noexcept override { return "Dot"; }

  [[nodiscard]] nlohmann::json config() const override;

  [[nodiscard]] const StepMask* output_mask(const Context& context) const override {
    static_cast<void>(context);
    return nullptr;
  }

  [[nodiscard]] std::string streaming_obstacle() const override { return "it has several inputs"; }

 private:
  std::vector<Shape> build_function(std::span<const Shape> inputs, Random& random) override;
  std::vector<autograd::Variable> apply(std::span<const autograd::Variable> inputs,
                                        std::span<const autograd::Variable> weights,
                                        const Context& context) override;
  [[nodiscard]] std::array<int, 2> axes_for(const Shape& a, const Shape& b) const;

  DotOptions options_;
};

}  // namespace recurra
