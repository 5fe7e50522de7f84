/// Layers that make one tensor of several.
#pragma once

#include "recurra/layers/function_layer.h"

namespace recurra {

/// What a Merge does.
enum class MergeKind { add, subtract, multiply, average, maximum, minimum };

/// Keras's Add, Subtract, Multiply, Average, Maximum and Minimum: element by element, of inputs (batch, …)
/// whose extents are the same or 1; one of a lower rank has extents 1 behind its batch axis.
///
/// Steps count that do in any input, where all have a mask; else all count, as in Keras.
class RECURRA_API Merge final : public FunctionLayer {
 public:
  /// Without a name, Keras's.
  explicit Merge(MergeKind kind, std::string name = {});

  [[nodiscard]] const char* type() const noexcept override;
  [[nodiscard]] nlohmann::json config() const override;
  [[nodiscard]] const StepMask* output_mask(const Context& context) const override;

 private:
  std::vector<Shape> build_function(std::span<const Shape> inputs, Random& random) override;
  std::vector<Variable> apply(std::span<const Variable> inputs,
                              std::span<const Variable> weights,
                              const Context& context) override;
  [[nodiscard]] Variable merged(const Variable& a, const Variable& b) const;
  void join_masks(const Context& context);

  MergeKind kind_;
  int rank_ = 0;   // of the output, without the batch axis
  StepMask mask_;  // of the last forward; empty: all steps count
};

/// Keras's Concatenate: inputs (batch, …), one behind the other along an axis; their other extents are the
/// same.
///
/// Where some input has a mask, one without counts all its steps. Along the steps masks stand one behind the
/// other, else steps count that do in any input: as in Keras, where an input without a mask beside one with
/// makes all steps count.
class RECURRA_API Concatenate final : public FunctionLayer {
 public:
  /// `axis` counts the batch axis, and from the end where negative; the batch axis is none.
  explicit Concatenate(i64 axis = -1, std::string name = "concatenate")
      : FunctionLayer(std::move(name)), axis_(axis) {}

  [[nodiscard]] const char* type() const noexcept override { return "Concatenate"; }

  [[nodiscard]] nlohmann::json config() const override;
  [[nodiscard]] const StepMask* output_mask(const Context& context) const override;

 private:
  std::vector<Shape> build_function(std::span<const Shape> inputs, Random& random) override;
  std::vector<Variable> apply(std::span<const Variable> inputs,
                              std::span<const Variable> weights,
                              const Context& context) override;
  void join_masks(std::span<const Variable> inputs, const Context& context);

  i64 axis_;
  int place_ = 0;  // the axis, counted from the batch axis
  StepMask mask_;  // of the last forward; empty: all steps count
};

}  // namespace recurra
