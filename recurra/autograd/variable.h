/// Tensors that know how they were made, so that gradients can go back: the values of differentiable
/// functions (autograd/functions.h), of which users write cells and layers of their own.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "recurra/base/tensor.h"

namespace recurra::autograd {

namespace detail {
struct Node;
struct Access;
}  // namespace detail

/// A handle on a tensor and what it was made of: cheap to copy, copies mean the same. Functions of variables
/// are computed at once and recorded where a gradient is wanted, until `backward` has gone through. What one
/// graph holds belongs to one thread at a time.
class RECURRA_API Variable {
 public:
  /// Empty: an argument left out.
  Variable() = default;

  /// A leaf: made of nothing, with gradients of its own where `requires_grad`. The name stands in errors.
  /// Throws Error (dtype) where `requires_grad` and the elements are not f32.
  explicit Variable(Tensor value, bool requires_grad = false, std::string name = {});

  [[nodiscard]] bool empty() const noexcept { return node_ == nullptr; }

  /// Throws Error (invalid_argument) for an empty one, as do all below but requires_grad and has_gradient.
  [[nodiscard]] const Tensor& value() const;

  [[nodiscard]] const Shape& shape() const { return value().shape(); }

  /// Whether gradients go to it, or through it.
  [[nodiscard]] bool requires_grad() const noexcept;

  /// Whether it was made of nothing.
  [[nodiscard]] bool is_leaf() const;

  /// Whether `backward` has reached this leaf since the last clear_gradient.
  [[nodiscard]] bool has_gradient() const noexcept;

  /// The sum of the gradients of all `backward` since the last clear_gradient, of the value's shape. Throws
  /// Error (invalid_argument) where none has reached it, and for all but leaves, which keep none.
  [[nodiscard]] const Tensor& gradient() const;

  /// The gradient, which the leaf has no longer. Throws as gradient.
  [[nodiscard]] Tensor take_gradient() const;

  /// Forgets the gradient.
  void clear_gradient() const;

  /// Whether gradients go to this leaf from now on, also in graphs that it is part of. Throws Error:
  /// invalid_argument for all but leaves, dtype where they should and the elements are not f32.
  void set_requires_grad(bool requires_grad) const;

  /// The value of a leaf, to be changed in place, its shape kept: what an optimizer does. A graph made of the
  /// old value can no longer be walked: backward says so. Throws Error (invalid_argument) for all but leaves.
  Tensor& edit() const;

  /// A leaf of the same value, copied, without gradients: what was made of it is no part of its graph.
  [[nodiscard]] Variable detached() const;

  /// As given, or by `named`; mostly empty.
  [[nodiscard]] const std::string& name() const;

  /// Gives it a name, which errors will mention; returns it.
  const Variable& named(std::string_view name) const;

 private:
  friend struct detail::Access;

  Variable(std::shared_ptr<detail::Node> node, int place) : node_(std::move(node)), place_(place) {}

  std::shared_ptr<detail::Node> node_;
  int place_ = 0;  // among the node's outputs
};

/// Adds the gradients of `scalar`, which has one element, to all leaves it was made of that want one. The
/// graph is gone afterwards; values remain. Throws Error (invalid_argument) where it has more elements or no
/// gradient goes through it, where a part of the graph was walked before, and where a leaf has been edited
/// since. After an error, leaves have the gradients of some paths alone.
RECURRA_API void backward(const Variable& scalar);

/// The same for several outputs at once, of any shapes, with the gradients that reach each from outside. An
/// output through which no gradient goes is left out where another has one. Throws as above, and Error
/// (shape) unless a seed is as its output, Error (invalid_argument) unless there are as many.
RECURRA_API void backward(std::span<const Variable> outputs, std::vector<Tensor> seeds);

}  // namespace recurra::autograd
