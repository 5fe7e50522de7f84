/// What the size of weights or outputs costs: terms added to the loss.
#pragma once

#include <memory>
#include <string>

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

/// factor * sum |w|. Throws, as all here, Error (invalid_argument) unless factors are finite and from 0 up.
[[nodiscard]] RECURRA_API std::shared_ptr<const Regularizer> l1(double factor = 0.01);

/// factor * sum w^2.
[[nodiscard]] RECURRA_API std::shared_ptr<const Regularizer> l2(double factor = 0.01);

/// l1 * sum |w| + l2 * sum w^2.
[[nodiscard]] RECURRA_API std::shared_ptr<const Regularizer> l1_l2(double l1 = 0.01, double l2 = 0.01);

/// Which vectors of a matrix orthogonal_regularizer compares.
enum class OrthogonalMode { rows, columns };

/// factor * mean over all pairs of |cosine of their angle|; of a matrix with one such vector 0. Its value and
/// gradient throw Error (shape) for another rank than 2.
[[nodiscard]] RECURRA_API std::shared_ptr<const Regularizer> orthogonal_regularizer(
    double factor = 0.01, OrthogonalMode mode = OrthogonalMode::rows);

/// Reads null (none), "l2" or {"class_name": "L2", "config": {…}}. Throws Error with `subject`: unsupported
/// for an unknown name (the text lists all), format, invalid_argument.
[[nodiscard]] RECURRA_API std::shared_ptr<const Regularizer> make_regularizer(
    const nlohmann::json& json, const std::string& subject = "regularizer");

/// What make_regularizer reads; null for none.
[[nodiscard]] RECURRA_API nlohmann::json config_of(const std::shared_ptr<const Regularizer>& regularizer);

}  // namespace recurra
