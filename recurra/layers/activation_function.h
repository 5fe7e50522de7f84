/// What an output goes through: a pointwise activation, or softmax over the last axis.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "recurra/base/activation.h"
#include "recurra/base/tensor.h"

namespace recurra {

/// Keras's `activation` arguments. A value.
class RECURRA_API ActivationFunction {
 public:
  /// What it is; a pointwise one is an Activation.
  enum class Kind { pointwise, softmax, log_softmax };

  /// linear.
  ActivationFunction() = default;

  /// Throws Error (invalid_argument) for numbers out of range.
  ActivationFunction(const Activation& activation);  // NOLINT: an Activation is one

  /// exp(x) over their sum along the last axis.
  [[nodiscard]] static ActivationFunction softmax() noexcept { return ActivationFunction(Kind::softmax); }

  /// The logarithm of softmax.
  [[nodiscard]] static ActivationFunction log_softmax() noexcept {
    return ActivationFunction(Kind::log_softmax);
  }

  [[nodiscard]] Kind kind() const noexcept { return kind_; }

  /// Only where kind() is pointwise.
  [[nodiscard]] const Activation& pointwise() const noexcept { return activation_; }

  [[nodiscard]] bool is_linear() const noexcept {
    return kind_ == Kind::pointwise && activation_.kind == ActivationKind::linear;
  }

  /// x (…, n) -> y, which becomes x's shape; y may be x.
  void forward(const Tensor& x, Tensor& y) const;

  /// For y = forward(x), dy -> dx, which becomes x's shape; dx may be dy.
  void backward(const Tensor& x, const Tensor& y, const Tensor& dy, Tensor& dx) const;

  bool operator==(const ActivationFunction&) const = default;

 private:
  explicit ActivationFunction(Kind kind) noexcept : kind_(kind) {}

  Kind kind_ = Kind::pointwise;
  Activation activation_{ActivationKind::linear};
};

/// Reads null (linear), a name as "relu", or Keras's objects ReLU, LeakyReLU, ELU and Softmax with their
/// arguments; a pointwise kind with other numbers than its usual ones is {"class_name": "hard_sigmoid",
/// "config": {"alpha": 0.2, "beta": 0.5}}. Throws Error with `subject`: unsupported for an unknown name (the
/// text lists all) or combination, format, invalid_argument.
[[nodiscard]] RECURRA_API ActivationFunction make_activation(const nlohmann::json& json,
                                                             const std::string& subject = "activation");

/// What make_activation reads: a name where there is one, as Keras writes it.
[[nodiscard]] RECURRA_API nlohmann::json config_of(const ActivationFunction& activation);

}  // namespace recurra
