#include "recurra/autograd/operation.h"

#include <algorithm>

#include "recurra/autograd/node.h"
#include "recurra/autograd/scope.h"
#include "recurra/base/error.h"

namespace recurra::autograd {

using detail::Access;
using detail::Node;
using detail::Output;

namespace {

std::shared_ptr<Node> make_node(std::string_view name,
                                std::vector<Variable> inputs,
                                BackwardFunction backward) {
  auto node = std::make_shared<Node>();
  if (!will_record(inputs)) return node;
  node->name = name;
  node->number = detail::next_number();
  node->requires_grad = true;
  node->inputs = std::move(inputs);
  node->backward = std::move(backward);
  for (const Variable& input : node->inputs)
    node->input_edits.push_back(input.empty() ? 0 : Access::node(input)->edits);
  return node;
}

void add_to(Tensor& sum, const Tensor& more) {
  float* to = sum.data();
  const float* from = more.data();
  const i64 size = sum.size();
  for (i64 i = 0; i < size; ++i) to[i] += from[i];
}

}  // namespace

bool will_record(std::span<const Variable> inputs) noexcept {
  return is_recording() && std::ranges::any_of(inputs, detail::wants_gradient);
}

std::vector<Variable> make_operation(std::string_view name,
                                     std::vector<Variable> inputs,
                                     std::vector<Tensor> outputs,
                                     BackwardFunction backward) {
  const std::shared_ptr<Node> node = make_node(name, std::move(inputs), std::move(backward));
  std::vector<Variable> results;
  results.reserve(outputs.size());
  // Leaves have one output each, so that what is let go of goes.
  for (Tensor& output : outputs) {
    if (node->number == 0) {
      results.emplace_back(Variable(std::move(output)));
    } else {
      results.push_back(Access::make(node, static_cast<int>(node->outputs.size())));
      node->outputs.push_back({std::move(output), {}});
    }
  }
  return results;
}

Variable make_operation(std::string_view name,
                        std::vector<Variable> inputs,
                        Tensor output,
                        BackwardFunction backward) {
  std::shared_ptr<Node> node = make_node(name, std::move(inputs), std::move(backward));
  node->outputs.push_back({std::move(output), {}});
  return Access::make(std::move(node), 0);
}

const Tensor& BackwardPass::input(int i) const {
  return input_variable(i).value();
}

const Variable& BackwardPass::input_variable(int i) const {
  return node_.inputs.at(static_cast<std::size_t>(i));
}

const Tensor& BackwardPass::output(int i) const {
  return node_.outputs.at(static_cast<std::size_t>(i)).value;
}

const Tensor* BackwardPass::gradient(int i) const {
  const Output& output = node_.outputs.at(static_cast<std::size_t>(i));
  return output.has_gradient ? &output.gradient : nullptr;
}

Tensor BackwardPass::take_gradient(int i) {
  Output& output = node_.outputs.at(static_cast<std::size_t>(i));
  if (output.has_gradient) {
    output.has_gradient = false;
    return std::move(output.gradient);
  }
  Tensor zeros = Tensor::recycled(output.value.shape());
  std::ranges::fill(zeros.as<float>(), 0.0F);
  return zeros;
}

bool BackwardPass::wants(int i) const {
  return detail::wants_gradient(input_variable(i));
}

void BackwardPass::add(int i, Tensor gradient) {
  if (!wants(i)) return;
  Output& input = Access::output(input_variable(i));
  if (gradient.shape() != input.value.shape()) {
    throw Error(ErrorCode::shape,
                node_.name + ": gradient of input " + std::to_string(i),
                input.value.shape().to_string(),
                gradient.shape().to_string());
  }
  if (input.has_gradient) return add_to(input.gradient, gradient);
  input.gradient = std::move(gradient);
  input.has_gradient = true;
}

Tensor& BackwardPass::sum(int i) {
  if (!has_sum(i)) std::ranges::fill(unset_sum(i).as<float>(), 0.0F);
  return Access::output(input_variable(i)).gradient;
}

bool BackwardPass::has_sum(int i) const {
  RECURRA_CHECK(wants(i));
  return Access::output(input_variable(i)).has_gradient;
}

Tensor& BackwardPass::unset_sum(int i) {
  Output& input = Access::output(input_variable(i));
  input.gradient = Tensor::recycled(input.value.shape());
  input.has_gradient = true;
  return input.gradient;
}

}  // namespace recurra::autograd
