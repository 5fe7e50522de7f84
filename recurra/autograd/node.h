/// What a variable is a handle on: an operation with its outputs, or a leaf.
///
/// Private to the library.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "recurra/autograd/operation.h"

namespace recurra::autograd::detail {

/// Something made of a value once and kept beside it: a packed matrix.
struct Kept {
  Kept() = default;
  virtual ~Kept() = default;
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  Kept(Kept&&) = delete;
  Kept& operator=(Kept&&) = delete;
};

struct Output {
  Tensor value;
  Tensor gradient;
  bool has_gradient = false;
  std::string name = {};
  std::unique_ptr<Kept> kept = nullptr;
};

/// An operation and its outputs; without inputs, a leaf of one output. Inputs are older than it: numbers say
/// so, and are an order to walk back in.
struct Node {
  Node() = default;
  ~Node();  // however long the chain of nodes behind it, without recursion
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  Node(Node&&) = delete;
  Node& operator=(Node&&) = delete;

  std::string name;
  std::uint64_t number = 0;  // of operations in the order of their making; 0: a leaf
  std::vector<Variable> inputs;
  std::vector<std::uint32_t> input_edits;  // of each input when the node was made
  std::vector<Output> outputs;
  BackwardFunction backward;
  bool requires_grad = false;
  bool walked = false;
  std::uint32_t edits = 0;  // of a leaf's value
  std::uint64_t walk = 0;   // the last that has seen it
};

/// A number that no other call gives: 1 and up.
[[nodiscard]] std::uint64_t next_number() noexcept;

/// Reaches into a variable.
struct Access {
  static Node* node(const Variable& variable) noexcept { return variable.node_.get(); }

  static Output& output(const Variable& variable) noexcept {
    return variable.node_->outputs[static_cast<std::size_t>(variable.place_)];
  }

  static const std::shared_ptr<Node>& share(const Variable& variable) noexcept { return variable.node_; }

  static Variable make(std::shared_ptr<Node> node, int place) { return {std::move(node), place}; }

  static void take(Variable& variable, std::vector<std::shared_ptr<Node>>& list) {
    if (variable.node_ != nullptr) list.push_back(std::move(variable.node_));
  }
};

/// Whether gradients can go to it.
[[nodiscard]] inline bool wants_gradient(const Variable& variable) noexcept {
  const Node* node = Access::node(variable);
  return node != nullptr && node->requires_grad;
}

}  // namespace recurra::autograd::detail
