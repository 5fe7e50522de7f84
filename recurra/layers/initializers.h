/// Initial values of weights, as Keras draws them.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include <nlohmann/json_fwd.hpp>

#include "recurra/base/random.h"
#include "recurra/base/tensor.h"

namespace recurra {

/// All elements `value`: Keras's Zeros, Ones and Constant.
struct Constant {
  double value = 0;

  bool operator==(const Constant&) const = default;
};

/// Normally distributed. `seed`: draws of its own, the same each time; none: from the layer's numbers.
struct RandomNormal {
  double mean = 0;
  double stddev = 0.05;  ///< >= 0
  std::optional<i64> seed = {};

  bool operator==(const RandomNormal&) const = default;
};

/// Uniform in [minval, maxval).
struct RandomUniform {
  double minval = -0.05;
  double maxval = 0.05;  ///< >= minval
  std::optional<i64> seed = {};

  bool operator==(const RandomUniform&) const = default;
};

/// Normal, drawn again while farther than two stddev from the mean.
struct TruncatedNormal {
  double mean = 0;
  double stddev = 0.05;  ///< of the normal that is cut, >= 0
  std::optional<i64> seed = {};

  bool operator==(const TruncatedNormal&) const = default;
};

/// What VarianceScaling divides by.
enum class FanMode { fan_in, fan_out, fan_avg };

/// What VarianceScaling draws from.
enum class Distribution { uniform, truncated_normal, untruncated_normal };

/// Mean 0 and variance scale / fan, whatever the distribution.
struct VarianceScaling {
  double scale = 1;  ///< > 0
  FanMode mode = FanMode::fan_in;
  Distribution distribution = Distribution::truncated_normal;
  std::optional<i64> seed = {};

  bool operator==(const VarianceScaling&) const = default;
};

/// `gain` times the orthogonal factor of a normal matrix whose rows are all axes but the last, columns signed
/// by the diagonal of R (Saxe et al. 2014); with fewer rows than columns the rows are orthonormal. Needs two
/// axes.
struct Orthogonal {
  double gain = 1;
  std::optional<i64> seed = {};

  bool operator==(const Orthogonal&) const = default;
};

/// `gain` on the diagonal of a matrix, else 0. Needs exactly two axes.
struct Identity {
  double gain = 1;

  bool operator==(const Identity&) const = default;
};

/// Any of them.
using Initializer = std::
    variant<Constant, RandomNormal, RandomUniform, TruncatedNormal, VarianceScaling, Orthogonal, Identity>;

/// Keras's defaults of kernels (Glorot and Bengio 2010).
inline constexpr VarianceScaling glorot_uniform_initializer{
    .scale = 1, .mode = FanMode::fan_avg, .distribution = Distribution::uniform};

/// Fills `tensor`. Throws Error: invalid_argument for numbers out of range, shape for a tensor the
/// initializer is not for.
RECURRA_API void initialize(const Initializer& initializer, Tensor& tensor, Random& random);

/// Throws Error (invalid_argument) with `subject` for numbers out of range or not finite.
RECURRA_API void check_initializer(const Initializer& initializer, const std::string& subject);

/// Reads "he_normal", "HeNormal" or {"class_name": "HeNormal", "config": {…}}. Throws Error with `subject`:
/// unsupported for an unknown name (the text lists all), format, invalid_argument.
[[nodiscard]] RECURRA_API Initializer make_initializer(const nlohmann::json& json,
                                                       const std::string& subject = "initializer");

/// As Keras writes it; make_initializer gives the same back.
[[nodiscard]] RECURRA_API nlohmann::json config_of(const Initializer& initializer);

/// Inputs and outputs of a weight of this shape, as Keras counts them: the last two axes times all before.
[[nodiscard]] RECURRA_API std::pair<double, double> compute_fans(const Shape& shape);

/// Uniform in +-sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010); for a recurrent kernel the columns are
/// all gates together, as in Keras.
RECURRA_API void glorot_uniform(Tensor& tensor, Random& random);

/// As Orthogonal, with gain 1.
RECURRA_API void orthogonal(Tensor& tensor, Random& random);

/// All elements `value`.
RECURRA_API void constant(Tensor& tensor, float value);

}  // namespace recurra
