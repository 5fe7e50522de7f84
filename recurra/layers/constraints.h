/// Where weights must stay: projections after each update.
#pragma once

#include <memory>
#include <string>

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

/// Vectors along `axis` (negative: from the back) longer than max_value are shortened to it. All divide by
/// the norm + 1e-7, as Keras does. Throws, as all here, Error (invalid_argument) for numbers out of range or
/// not finite; `apply` throws Error (shape) where the tensor lacks the axis.
[[nodiscard]] RECURRA_API std::shared_ptr<const Constraint> max_norm(double max_value = 2, i64 axis = 0);

/// Elements below 0 become 0.
[[nodiscard]] RECURRA_API std::shared_ptr<const Constraint> non_neg();

/// Vectors along `axis` get length 1.
[[nodiscard]] RECURRA_API std::shared_ptr<const Constraint> unit_norm(i64 axis = 0);

/// Arguments of min_max_norm, with Keras's names and defaults.
struct MinMaxNormOptions {
  double min_value = 0;  ///< >= 0
  double max_value = 1;  ///< >= min_value
  double rate = 1;       ///< 0 to 1: how far a length moves towards the range
  i64 axis = 0;
};

/// Lengths of vectors along `axis` move into min_value to max_value.
[[nodiscard]] RECURRA_API std::shared_ptr<const Constraint> min_max_norm(
    const MinMaxNormOptions& options = {});

/// Reads null (none), "max_norm" or {"class_name": "MaxNorm", "config": {…}}. Throws Error with `subject`:
/// unsupported for an unknown name (the text lists all), format, invalid_argument.
[[nodiscard]] RECURRA_API std::shared_ptr<const Constraint> make_constraint(
    const nlohmann::json& json, const std::string& subject = "constraint");

/// What make_constraint reads; null for none.
[[nodiscard]] RECURRA_API nlohmann::json config_of(const std::shared_ptr<const Constraint>& constraint);

}  // namespace recurra
