#include "recurra/layers/initializers.h"

#include <algorithm>
#include <cmath>

#include <Eigen/QR>

#include "recurra/base/error.h"
#include "recurra/base/shortest.h"

namespace recurra {

namespace {

// Standard deviation of a standard normal cut at two deviations.
constexpr double truncated_stddev = 0.87962566103423978;

float truncated_normal(Random& random) {
  float value = random.normal();
  while (std::abs(value) > 2.0F) value = random.normal();
  return value;
}

void fill(const Constant& constant, Tensor& tensor, Random& random) {
  static_cast<void>(random);
  std::ranges::fill(tensor.as<float>(), static_cast<float>(constant.value));
}

void fill(const RandomNormal& normal, Tensor& tensor, Random& random) {
  for (float& value : tensor.as<float>())
    value = static_cast<float>(normal.mean + normal.stddev * random.normal());
}

void fill(const RandomUniform& uniform, Tensor& tensor, Random& random) {
  const auto low = static_cast<float>(uniform.minval);
  const auto high = static_cast<float>(uniform.maxval);
  for (float& value : tensor.as<float>()) value = random.uniform(low, high);
}

void fill(const TruncatedNormal& normal, Tensor& tensor, Random& random) {
  for (float& value : tensor.as<float>())
    value = static_cast<float>(normal.mean + normal.stddev * truncated_normal(random));
}

void fill(const VarianceScaling& scaling, Tensor& tensor, Random& random) {
  const auto [fan_in, fan_out] = compute_fans(tensor.shape());
  const double fan = std::max(1.0,
                              scaling.mode == FanMode::fan_in    ? fan_in
                              : scaling.mode == FanMode::fan_out ? fan_out
                                                                 : (fan_in + fan_out) / 2);
  const double variance = scaling.scale / fan;
  if (scaling.distribution == Distribution::uniform) {
    const float limit = std::sqrt(static_cast<float>(3 * scaling.scale / fan));
    for (float& value : tensor.as<float>()) value = random.uniform(-limit, limit);
  } else if (scaling.distribution == Distribution::truncated_normal) {
    fill(TruncatedNormal{.stddev = std::sqrt(variance) / truncated_stddev}, tensor, random);
  } else {
    fill(RandomNormal{.stddev = std::sqrt(variance)}, tensor, random);
  }
}

void fill(const Orthogonal& orthogonal, Tensor& tensor, Random& random) {
  if (tensor.shape().rank() < 2) {
    throw Error(ErrorCode::shape, "orthogonal initializer", "at least two axes", tensor.shape().to_string());
  }
  const i64 columns = tensor.shape().back();
  const i64 rows = tensor.size() / std::max<i64>(columns, 1);
  Eigen::MatrixXd normal(std::max(rows, columns), std::min(rows, columns));
  for (Eigen::Index i = 0; i < normal.rows(); ++i) {
    for (Eigen::Index j = 0; j < normal.cols(); ++j) normal(i, j) = random.normal();
  }
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(normal);
  Eigen::MatrixXd q = qr.householderQ() * Eigen::MatrixXd::Identity(normal.rows(), normal.cols());
  for (Eigen::Index j = 0; j < q.cols(); ++j) {
    if (qr.matrixQR()(j, j) < 0) q.col(j) *= -1;
  }
  float* to = tensor.data();
  for (i64 i = 0; i < rows; ++i) {
    for (i64 j = 0; j < columns; ++j)
      *to++ = static_cast<float>(orthogonal.gain * (rows < columns ? q(j, i) : q(i, j)));
  }
}

void fill(const Identity& identity, Tensor& tensor, Random& random) {
  static_cast<void>(random);
  if (tensor.shape().rank() != 2)
    throw Error(ErrorCode::shape, "identity initializer", "two axes", tensor.shape().to_string());
  std::ranges::fill(tensor.as<float>(), 0.0F);
  const i64 columns = tensor.shape()[1];
  for (i64 i = 0; i < std::min(tensor.shape()[0], columns); ++i)
    tensor.data()[i * columns + i] = static_cast<float>(identity.gain);
}

/// Throws unless `value` is finite and at least `least`.
void require_number(const std::string& subject, const char* name, double value, double least) {
  if (std::isfinite(value) && value >= least) return;
  throw Error(ErrorCode::invalid_argument,
              std::string(subject).append(".").append(name),
              least == 0 ? "a finite number from 0 up" : "a finite number",
              shortest(value));
}

constexpr double any = -INFINITY;

void check(const Constant& constant, const std::string& subject) {
  require_number(subject, "value", constant.value, any);
}

void check(const RandomNormal& normal, const std::string& subject) {
  require_number(subject, "mean", normal.mean, any);
  require_number(subject, "stddev", normal.stddev, 0);
}

void check(const RandomUniform& uniform, const std::string& subject) {
  require_number(subject, "minval", uniform.minval, any);
  require_number(subject, "maxval", uniform.maxval, any);
  if (uniform.maxval >= uniform.minval) return;
  throw Error(ErrorCode::invalid_argument,
              subject + ".maxval",
              "at least minval " + shortest(uniform.minval),
              shortest(uniform.maxval));
}

void check(const TruncatedNormal& normal, const std::string& subject) {
  check(RandomNormal{normal.mean, normal.stddev}, subject);
}

void check(const VarianceScaling& scaling, const std::string& subject) {
  if (std::isfinite(scaling.scale) && scaling.scale > 0) return;
  throw Error(
      ErrorCode::invalid_argument, subject + ".scale", "a finite number above 0", shortest(scaling.scale));
}

void check(const Orthogonal& orthogonal, const std::string& subject) {
  require_number(subject, "gain", orthogonal.gain, any);
}

void check(const Identity& identity, const std::string& subject) {
  require_number(subject, "gain", identity.gain, any);
}

std::optional<i64> seed_of(const Initializer& initializer) {
  return std::visit(
      [](const auto& own) -> std::optional<i64> {
        if constexpr (requires { own.seed; }) return own.seed;
        return std::nullopt;
      },
      initializer);
}

}  // namespace

std::pair<double, double> compute_fans(const Shape& shape) {
  const int rank = shape.rank();
  if (rank == 0) return {1, 1};
  if (rank == 1) return {static_cast<double>(shape[0]), static_cast<double>(shape[0])};
  double field = 1;
  for (int axis = 0; axis < rank - 2; ++axis) field *= static_cast<double>(shape[axis]);
  return {field * static_cast<double>(shape[rank - 2]), field * static_cast<double>(shape[rank - 1])};
}

void check_initializer(const Initializer& initializer, const std::string& subject) {
  std::visit([&](const auto& own) { check(own, subject); }, initializer);
}

void initialize(const Initializer& initializer, Tensor& tensor, Random& random) {
  check_initializer(initializer, "initializer");
  const std::optional<i64> seed = seed_of(initializer);
  Random own(static_cast<std::uint64_t>(seed.value_or(0)));
  std::visit([&](const auto& kind) { fill(kind, tensor, seed ? own : random); }, initializer);
}

void glorot_uniform(Tensor& tensor, Random& random) {
  fill(glorot_uniform_initializer, tensor, random);
}

void orthogonal(Tensor& tensor, Random& random) {
  fill(Orthogonal{}, tensor, random);
}

void constant(Tensor& tensor, float value) {
  std::ranges::fill(tensor.as<float>(), value);
}

}  // namespace recurra
