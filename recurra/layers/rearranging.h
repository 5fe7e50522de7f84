/// Layers that give the elements of their input another shape or order.
#pragma once

#include <vector>

#include "recurra/layers/function_layer.h"

namespace recurra {

/// Keras's RepeatVector: (batch, features) -> (batch, n, features), n times the same step: what a decoder
/// begins with.
class RECURRA_API RepeatVector final : public FunctionLayer {
 public:
  /// Throws Error (invalid_argument) for n below 1.
  explicit RepeatVector(i64 n, std::string name = "repeat_vector");

  [[nodiscard]] const char* type() const noexcept override { return "RepeatVector"; }

  [[nodiscard]] nlohmann::json config() const override;

  [[nodiscard]] const StepMask* output_mask(const Context& context) const override {
    static_cast<void>(context);
    return nullptr;
  }

  [[nodiscard]] std::string streaming_obstacle() const override { return "it makes steps of a vector"; }

 private:
  std::vector<Shape> build_function(std::span<const Shape> inputs, Random& random) override;
  std::vector<autograd::Variable> apply(std::span<const autograd::Variable> inputs,
                                        std::span<const autograd::Variable> weights,
                                        const Context& context) override;

  i64 n_;
};

/// Keras's Reshape: (batch, …) -> (batch, target …), the elements of a row in order. Nothing is masked behind
/// it, as in Keras.
class RECURRA_API Reshape final : public FunctionLayer {
 public:
  /// One extent of `target`, without the batch axis, may be -1: what is left for it. Throws Error
  /// (invalid_argument) for other extents below 1 or several of -1.
  explicit Reshape(const Shape& target, std::string name = "reshape");

  [[nodiscard]] const char* type() const noexcept override { return "Reshape"; }

  [[nodiscard]] nlohmann::json config() const override;

  [[nodiscard]] const StepMask* output_mask(const Context& context) const override {
    static_cast<void>(context);
    return nullptr;
  }

  [[nodiscard]] std::string streaming_obstacle() const override { return "it may join or cut steps"; }

 private:
  std::vector<Shape> build_function(std::span<const Shape> inputs, Random& random) override;
  std::vector<autograd::Variable> apply(std::span<const autograd::Variable> inputs,
                                        std::span<const autograd::Variable> weights,
                                        const Context& context) override;
  [[nodiscard]] Shape target_for(const Shape& row) const;

  Shape target_;
};

/// Keras's Permute: (batch, …) -> the axes behind the batch's in another order. Nothing is masked behind it,
/// as in Keras.
class RECURRA_API Permute final : public FunctionLayer {
 public:
  /// Axis k of the output is axis dims[k - 1] of the input, both from 1: {2, 1} exchanges two. Throws Error
  /// (invalid_argument) unless each from 1 up to their number is there once.
  explicit Permute(std::vector<i64> dims, std::string name = "permute");

  [[nodiscard]] const char* type() const noexcept override { return "Permute"; }

  [[nodiscard]] nlohmann::json config() const override;

  [[nodiscard]] const StepMask* output_mask(const Context& context) const override {
    static_cast<void>(context);
    return nullptr;
  }

  [[nodiscard]] std::string streaming_obstacle() const override { return "it may move the axis of steps"; }

 private:
  std::vector<Shape> build_function(std::span<const Shape> inputs, Random& random) override;
  std::vector<autograd::Variable> apply(std::span<const autograd::Variable> inputs,
                                        std::span<const autograd::Variable> weights,
                                        const Context& context) override;

  std::vector<i64> dims_;
};

}  // namespace recurra
