/// Where weights must stay: projections after each update.
#pragma once

#include <memory>

#include <nlohmann/json_fwd.hpp>

#include "recurra/base/tensor.h"

namespace recurra {

/// A projection of a tensor onto those allowed. Immutable.
class RECURRA_API Constraint {
 public:
  Constraint() = default;
  virtual ~Constraint() = default;
  Constraint(const Constraint&) = delete;
  Constraint& operator=(const Constraint&) = delete;
  Constraint(Constraint&&) = delete;
  Constraint& operator=(Constraint&&) = delete;

  /// Changes `w` to the projected one.
  virtual void apply(Tensor& w) const = 0;

  /// As Keras writes it: {"class_name": …, "config": {…}, …}.
  [[nodiscard]] virtual nlohmann::json config() const = 0;
};

}  // namespace recurra
