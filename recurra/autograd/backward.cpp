#include <algorithm>

#include "recurra/autograd/node.h"
#include "recurra/autograd/scope.h"
#include "recurra/base/error.h"

namespace recurra::autograd {

using detail::Access;
using detail::Node;
using detail::Output;

namespace {

[[noreturn]] void fail(const char* expected, std::string actual) {
  throw Error(ErrorCode::invalid_argument, "backward", expected, std::move(actual));
}

void check_unwalked(const Node& node) {
  if (node.walked)
    fail("a graph that no backward has gone through", "operation " + node.name + ", whose values are gone");
}

// The operations behind `outputs`, the latest first, so that all that is made of an operation comes before
// it. Shared pointers: what is walked lets go of its inputs.
std::vector<std::shared_ptr<Node>> operations_behind(std::span<const Variable> outputs) {
  std::vector<std::shared_ptr<Node>> found;
  const std::uint64_t walk = detail::next_number();
  const auto visit = [&](const Variable& variable) {
    Node* node = Access::node(variable);
    if (node == nullptr || !node->requires_grad || node->number == 0 || node->walk == walk) return;
    check_unwalked(*node);
    node->walk = walk;
    found.push_back(Access::share(variable));
  };
  for (const Variable& output : outputs) visit(output);
  for (std::size_t next = 0; next < found.size(); ++next) {
    const Node& node = *found[next];
    for (const Variable& input : node.inputs) visit(input);
  }
  std::ranges::sort(found, std::greater(), [](const auto& node) { return node->number; });
  return found;
}

void check_edits(const Node& node) {
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const Variable& input = node.inputs[i];
    if (input.empty() || Access::node(input)->edits == node.input_edits[i]) continue;
    const std::string& name = input.name();
    fail("the values that the graph was made of",
         "input " + (name.empty() ? std::to_string(i) : name) + " of operation " + node.name +
             ", edited since");
  }
}

void add_seed(const Variable& output, Tensor seed) {
  Output& at = Access::output(output);
  if (seed.shape() != at.value.shape()) {
    throw Error(ErrorCode::shape, "backward.seeds", at.value.shape().to_string(), seed.shape().to_string());
  }
  if (seed.dtype() != Dtype::f32)
    throw Error(ErrorCode::dtype, "backward.seeds", "f32", std::string(name_of(seed.dtype())));
  if (!at.has_gradient) {
    at.gradient = std::move(seed);
    at.has_gradient = true;
    return;
  }
  std::ranges::transform(seed.as<float>(), at.gradient.as<float>(), at.gradient.data(), std::plus());
}

void walk(Node& node) {
  node.walked = true;  // even where its function fails
  if (node.requires_grad && std::ranges::any_of(node.outputs, &Output::has_gradient)) {
    BackwardPass pass(node);
    node.backward(pass);
  }
  for (Output& output : node.outputs) {
    output.gradient = {};
    output.has_gradient = false;
    output.kept = nullptr;
  }
  node.backward = nullptr;
  node.inputs.clear();
}

}  // namespace

void backward(std::span<const Variable> outputs, std::vector<Tensor> seeds) {
  if (outputs.size() != seeds.size())
    fail("as many seeds as outputs", std::to_string(seeds.size()) + " for " + std::to_string(outputs.size()));
  if (std::ranges::none_of(outputs, detail::wants_gradient))
    fail("an output through which gradients go",
         "none: nothing it was made of requires one, or not recorded");
  std::vector<std::shared_ptr<Node>> nodes = operations_behind(outputs);
  for (const std::shared_ptr<Node>& node : nodes) check_edits(*node);
  // The oldest first: leaves may have turned their gradients off.
  std::for_each(nodes.rbegin(), nodes.rend(), [](const std::shared_ptr<Node>& node) {
    node->requires_grad = std::ranges::any_of(node->inputs, detail::wants_gradient);
  });
  const NoGradient no_gradient;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (detail::wants_gradient(outputs[i])) add_seed(outputs[i], std::move(seeds[i]));
  }
  for (std::shared_ptr<Node>& node : nodes) {
    walk(*node);
    node = nullptr;  // its values go, unless someone has them
  }
}

void backward(const Variable& scalar) {
  const Shape& shape = scalar.shape();
  if (shape.elements() != 1) fail("an output of one element, or seeds", shape.to_string());
  std::vector<Tensor> seeds(1);
  seeds[0] = Tensor::recycled(shape);
  std::ranges::fill(seeds[0].as<float>(), 1.0F);
  backward({&scalar, 1}, std::move(seeds));
}

}  // namespace recurra::autograd
