/// How a function that is not made of others becomes differentiable: its results, and a function that takes
/// their gradients back.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "recurra/autograd/variable.h"

namespace recurra::autograd {

/// What the backward function of an operation sees: the values of its inputs and outputs, the gradients of
/// the outputs, and where those of the inputs go. Numbers are places in the lists given to make_operation.
class RECURRA_API BackwardPass {
 public:
  /// Made by `backward`.
  explicit BackwardPass(detail::Node& node) noexcept : node_(node) {}

  /// The value of input i. Throws Error (invalid_argument) where it was left out, that is empty.
  [[nodiscard]] const Tensor& input(int i) const;

  /// Input i itself, for what is kept beside its value.
  [[nodiscard]] const Variable& input_variable(int i) const;

  /// The value of output i.
  [[nodiscard]] const Tensor& output(int i) const;

  /// The gradient of output i; null where none has reached it, which means zeros. At least one has.
  [[nodiscard]] const Tensor* gradient(int i) const;

  /// The gradient of output i, which nobody needs behind this operation: to be changed and passed on. Zeros
  /// where none has reached it.
  [[nodiscard]] Tensor take_gradient(int i);

  /// Whether input i wants a gradient.
  [[nodiscard]] bool wants(int i) const;

  /// Adds `gradient`, of the shape of input i, to its own; nothing where it wants none. Throws Error (shape)
  /// for another shape.
  void add(int i, Tensor gradient);

  /// Where to add to the gradient of input i, which wants one: what has reached it so far, or zeros.
  [[nodiscard]] Tensor& sum(int i);

  /// Whether a gradient has reached input i before, so that memory of sum() holds one. Where none has,
  /// `unset_sum` gives memory to be overwritten whole.
  [[nodiscard]] bool has_sum(int i) const;

  /// As sum, for has_sum(i) false: elements unspecified, all to be written.
  [[nodiscard]] Tensor& unset_sum(int i);

 private:
  detail::Node& node_;
};

/// Takes the gradients of the outputs to the inputs. What it captures lives as long as an output, or until
/// backward has gone through: tensors, sizes, shared pointers to workspaces. Not variables: what is needed of
/// them are inputs and outputs.
using BackwardFunction = std::function<void(BackwardPass&)>;

/// Variables of `outputs`, computed already, that were made of `inputs`. Inputs may be empty (left out).
/// Where none wants a gradient or this thread does not record, `backward` and the inputs are let go at once.
/// `name` stands in errors; the variables have none.
[[nodiscard]] RECURRA_API std::vector<Variable> make_operation(std::string_view name,
                                                               std::vector<Variable> inputs,
                                                               std::vector<Tensor> outputs,
                                                               BackwardFunction backward);

/// The same for one output.
[[nodiscard]] RECURRA_API Variable make_operation(std::string_view name,
                                                  std::vector<Variable> inputs,
                                                  Tensor output,
                                                  BackwardFunction backward);

/// Whether an operation on `inputs` will be recorded: where not, what only a way back needs need not be made.
[[nodiscard]] RECURRA_API bool will_record(std::span<const Variable> inputs) noexcept;

}  // namespace recurra::autograd
