#include "recurra/layers/function_layer.h"

#include <algorithm>

namespace recurra {

std::vector<Parameter*> FunctionLayer::parameters() {
  std::vector<Parameter*> all;
  for (Parameter& weight : weights_) all.push_back(&weight);
  return all;
}

std::vector<Shape> FunctionLayer::run_build_all(std::span<const Shape> inputs, Random& random) {
  weights_.clear();
  return build_function(inputs, random);
}

autograd::Variable FunctionLayer::leaf(const Tensor& value, bool trains) const {
  return Variable(value, trains && value.dtype() == Dtype::f32);
}

/// Computes the outputs, in training with what the way back needs.
void FunctionLayer::record(TensorList inputs, const Context& context) {
  const autograd::RunOn run_on(context.execution);
  inputs_.clear();
  weight_variables_.clear();
  for (const Tensor* input : inputs) inputs_.push_back(leaf(*input, context.training));
  for (const Parameter& weight : weights_)
    weight_variables_.push_back(leaf(weight.value, context.training && weight.trainable));
  outputs_ = apply(inputs_, weight_variables_, context);
  walked_ = false;
}

TensorList FunctionLayer::run_forward_all(TensorList inputs, const Context& context) {
  record(inputs, context);
  output_list_.clear();
  for (const Variable& output : outputs_) output_list_.push_back(&output.value());
  return output_list_;
}

TensorList FunctionLayer::run_backward_all(TensorList inputs,
                                           TensorList d_outputs,
                                           std::span<const std::uint8_t> wanted,
                                           const Context& context) {
  if (walked_) record(inputs, context);
  walked_ = true;
  const autograd::RunOn run_on(context.execution);
  std::vector<Variable> reached;
  std::vector<Tensor> seeds;
  for (std::size_t i = 0; i < d_outputs.size(); ++i) {
    if (d_outputs[i] == nullptr || !outputs_[i].requires_grad()) continue;
    reached.push_back(outputs_[i]);
    seeds.push_back(*d_outputs[i]);
  }
  if (!reached.empty()) autograd::backward(reached, seeds);
  take_gradients();
  zeros_.resize(inputs.size());
  gradient_list_.assign(inputs.size(), nullptr);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (wanted[i] == 0) continue;
    if (inputs_[i].has_gradient()) {
      gradient_list_[i] = &inputs_[i].gradient();
      continue;
    }
    zeros_[i] = Tensor(inputs[i]->shape());
    gradient_list_[i] = &zeros_[i];
  }
  return gradient_list_;
}

void FunctionLayer::take_gradients() {
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    if (!weights_[i].trainable) continue;
    if (weight_variables_[i].has_gradient()) {
      std::ranges::copy(weight_variables_[i].gradient().as<float>(), weights_[i].gradient.data());
    } else {
      std::ranges::fill(weights_[i].gradient.as<float>(), 0.0F);
    }
  }
}

}  // namespace recurra
