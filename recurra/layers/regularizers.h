/// What the size of weights or outputs costs: terms added to the loss.
#pragma once

#include <memory>

#include <nlohmann/json_fwd.hpp>

#include "recurra/base/tensor.h"

namespace recurra {

/// A function of a tensor that is added to the loss. Immutable.
class RECURRA_API Regularizer {
 public:
  Regularizer() = default;
  virtual ~Regularizer() = default;
  Regularizer(const Regularizer&) = delete;
  Regularizer& operator=(const Regularizer&) = delete;
  Regularizer(Regularizer&&) = delete;
  Regularizer& operator=(Regularizer&&) = delete;

  /// What `w` costs.
  [[nodiscard]] virtual double value(const Tensor& w) const = 0;

  /// gradient += scale * d value / d w. Of w's shape.
  virtual void add_gradient(const Tensor& w, double scale, Tensor& gradient) const = 0;

  /// As Keras writes it: {"class_name": …, "config": {…}, …}.
  [[nodiscard]] virtual nlohmann::json config() const = 0;
};

}  // namespace recurra
