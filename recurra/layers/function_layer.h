/// Layers whose computation is written in differentiable functions, so that they need no way back of their
/// own.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "recurra/autograd/functions.h"
#include "recurra/layers/layer.h"

namespace recurra {

/// A layer of any number of inputs and outputs. One of your own overrides `type`, `config` and the private
/// `build_function` and `apply`; `takes` where an input need not be f32, `output_mask` where other steps
/// count behind it than in the first input.
class RECURRA_API FunctionLayer : public GeneralLayer {
 public:
  using GeneralLayer::GeneralLayer;

  [[nodiscard]] std::vector<Parameter*> parameters() final;

 protected:
  /// What `apply` computes with.
  using Variable = autograd::Variable;

  /// Adds a weight, in build_function alone: apply gets them in this order.
  void add_weight(std::string name, const Shape& shape, const WeightOptions& options, Random& random) {
    weights_.push_back(make_parameter(std::move(name), shape, options, random));
  }

 private:
  /// Looks at the inputs' shapes, which have no batch axis, adds the weights and returns the outputs' shapes.
  virtual std::vector<Shape> build_function(std::span<const Shape> inputs, Random& random) = 0;

  /// The outputs, made from inputs (batch, …) and weights by differentiable functions.
  virtual std::vector<Variable> apply(std::span<const Variable> inputs,
                                      std::span<const Variable> weights,
                                      const Context& context) = 0;

  std::vector<Shape> run_build_all(std::span<const Shape> inputs, Random& random) final;
  TensorList run_forward_all(TensorList inputs, const Context& context) final;
  TensorList run_backward_all(TensorList inputs,
                              TensorList d_outputs,
                              std::span<const std::uint8_t> wanted,
                              const Context& context) final;
  [[nodiscard]] Variable leaf(const Tensor& value, bool trains) const;
  void record(TensorList inputs, const Context& context);
  void take_gradients();

  std::vector<Parameter> weights_;
  std::vector<Variable> inputs_, weight_variables_, outputs_;
  bool walked_ = false;  // a way back has used up what the last forward recorded
  std::vector<const Tensor*> output_list_, gradient_list_;
  std::vector<Tensor> zeros_;  // gradients of inputs that no path reaches
};

}  // namespace recurra
