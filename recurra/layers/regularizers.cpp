#include "recurra/layers/regularizers.h"

#include <cmath>
#include <vector>

#include <Eigen/Core>

#include "recurra/base/shortest.h"
#include "recurra/layers/arguments.h"

namespace recurra {

namespace {

using Json = nlohmann::json;

constexpr const char* module = "keras.regularizers";

double checked_factor(const char* name, double factor) {
  if (std::isfinite(factor) && factor >= 0) return factor;
  throw Error(ErrorCode::invalid_argument, name, "a finite number from 0 up", shortest(factor));
}

auto numbers(const float* data, i64 size) {
  return Eigen::Map<const Eigen::ArrayXf>(data, size);
}

auto numbers(float* data, i64 size) {
  return Eigen::Map<Eigen::ArrayXf>(data, size);
}

/// l1 * sum |w| + l2 * sum w^2. An activity_regularizer sees as many numbers as a layer has outputs, so that
/// these are worth a library's loops.
class L1L2 final : public Regularizer {
 public:
  L1L2(double l1, double l2) : l1_(checked_factor("l1", l1)), l2_(checked_factor("l2", l2)) {}

  [[nodiscard]] double value(const Tensor& w) const override {
    const auto x = numbers(w.data(), w.size()).cast<double>();
    return l1_ * x.abs().sum() + l2_ * x.square().sum();
  }

  void add_gradient(const Tensor& w, double scale, Tensor& gradient) const override {
    const auto x = numbers(w.data(), w.size());
    const auto size = static_cast<float>(scale * l1_);
    const auto square = static_cast<float>(scale * l2_ * 2);
    auto d = numbers(gradient.data(), w.size());
    d += square * x;
    if (size != 0) d += size * x.sign();
  }

  [[nodiscard]] Json config() const override {
    if (l1_ == 0 && l2_ != 0) return write_keras_object(module, "L2", {{"l2", l2_}});
    if (l2_ == 0 && l1_ != 0) return write_keras_object(module, "L1", {{"l1", l1_}});
    return write_keras_object(module, "L1L2", {{"l1", l1_}, {"l2", l2_}});
  }

 private:
  double l1_;
  double l2_;
};

/// With n_i = w_i / |w_i|: factor / pairs * sum over i < j of |n_i . n_j|.
class OrthogonalRegularizer final : public Regularizer {
 public:
  OrthogonalRegularizer(double factor, OrthogonalMode mode)
      : factor_(checked_factor("factor", factor)), mode_(mode) {}

  [[nodiscard]] double value(const Tensor& w) const override {
    const Vectors v(w, mode_);
    double sum = 0;
    for (i64 i = 0; i < v.count; ++i) {
      for (i64 j = i + 1; j < v.count; ++j) sum += std::abs(v.cosine(i, j));
    }
    return v.pairs() > 0 ? factor_ * sum / v.pairs() : 0.0;
  }

  void add_gradient(const Tensor& w, double scale, Tensor& gradient) const override {
    const Vectors v(w, mode_);
    if (v.pairs() == 0) return;
    std::vector<double> sum(static_cast<std::size_t>(v.length));
    for (i64 i = 0; i < v.count; ++i) {
      // d |n_i . n_j| / d w_i = sign (n_j - (n_i . n_j) n_i) / |w_i|.
      std::ranges::fill(sum, 0.0);
      for (i64 j = 0; j < v.count; ++j) {
        const double cosine = v.cosine(i, j);
        if (j == i || cosine == 0) continue;
        const double sign = cosine > 0 ? 1.0 : -1.0;
        for (i64 k = 0; k < v.length; ++k)
          sum[static_cast<std::size_t>(k)] += sign * (v.at(j, k) - cosine * v.at(i, k));
      }
      const double norm = v.norms[static_cast<std::size_t>(i)];
      for (i64 k = 0; k < v.length; ++k) {
        gradient.data()[i * v.stride + k * v.along] +=
            static_cast<float>(scale * factor_ / v.pairs() * sum[static_cast<std::size_t>(k)] / norm);
      }
    }
  }

  [[nodiscard]] Json config() const override {
    return write_keras_object(
        module,
        "OrthogonalRegularizer",
        {{"factor", factor_}, {"mode", mode_ == OrthogonalMode::rows ? "rows" : "columns"}});
  }

 private:
  /// The rows or the columns of a matrix, and their lengths.
  struct Vectors {
    Vectors(const Tensor& matrix, OrthogonalMode mode) {
      const Shape& shape = matrix.shape();
      if (shape.rank() != 2)
        throw Error(ErrorCode::shape, "orthogonal regularizer", "two axes", shape.to_string());
      const bool rows = mode == OrthogonalMode::rows;
      w = matrix.data();
      count = shape[rows ? 0 : 1];
      length = shape[rows ? 1 : 0];
      stride = rows ? shape[1] : 1;
      along = rows ? 1 : shape[1];
      for (i64 i = 0; i < count; ++i) {
        double square = 0;
        for (i64 k = 0; k < length; ++k)
          square += double{w[i * stride + k * along]} * w[i * stride + k * along];
        norms.push_back(std::sqrt(std::max(square, least_square)));
      }
    }

    [[nodiscard]] double at(i64 i, i64 k) const {
      return w[i * stride + k * along] / norms[static_cast<std::size_t>(i)];
    }

    [[nodiscard]] double cosine(i64 i, i64 j) const {
      double sum = 0;
      for (i64 k = 0; k < length; ++k) sum += at(i, k) * at(j, k);
      return sum;
    }

    [[nodiscard]] double pairs() const {
      return static_cast<double>(count) * static_cast<double>(count - 1) / 2;
    }

    static constexpr double least_square = 1e-14;  // Keras's: a vector of zeros stays one

    const float* w;
    i64 count, length, stride, along;
    std::vector<double> norms;
  };

  double factor_;
  OrthogonalMode mode_;
};

OrthogonalMode parse_mode(Arguments& arguments) {
  const std::string mode = arguments.take<std::string>("mode", "rows");
  if (mode == "rows") return OrthogonalMode::rows;
  if (mode == "columns") return OrthogonalMode::columns;
  throw Error(ErrorCode::unsupported, arguments.subject("mode"), "rows, columns", mode);
}

}  // namespace

std::shared_ptr<const Regularizer> l1(double factor) {
  return l1_l2(factor, 0);
}

std::shared_ptr<const Regularizer> l2(double factor) {
  return l1_l2(0, factor);
}

std::shared_ptr<const Regularizer> l1_l2(double l1, double l2) {
  return std::make_shared<L1L2>(l1, l2);
}

std::shared_ptr<const Regularizer> orthogonal_regularizer(double factor, OrthogonalMode mode) {
  return std::make_shared<OrthogonalRegularizer>(factor, mode);
}

std::shared_ptr<const Regularizer> make_regularizer(const Json& json, const std::string& subject) {
  if (json.is_null()) return nullptr;
  const KerasObject object = read_keras_object(json, subject);
  const auto is = [&](const char* text, const char* class_name) {
    return object.name == text || object.name == class_name;
  };
  Arguments arguments(std::string(subject).append(" ").append(object.name), object.config);
  std::shared_ptr<const Regularizer> regularizer;
  if (is("l1", "L1")) {
    regularizer = l1(arguments.take<double>("l1", 0.01));
  } else if (is("l2", "L2")) {
    regularizer = l2(arguments.take<double>("l2", 0.01));
  } else if (is("l1_l2", "L1L2")) {
    // Keras documents 0.01 for the name, and 0 for a factor left out of the object.
    const double factor = object.bare ? 0.01 : 0.0;
    const double first = arguments.take<double>("l1", factor);
    regularizer = l1_l2(first, arguments.take<double>("l2", factor));
  } else if (is("orthogonal_regularizer", "OrthogonalRegularizer")) {
    const double factor = arguments.take<double>("factor", 0.01);
    regularizer = orthogonal_regularizer(factor, parse_mode(arguments));
  } else {
    throw Error(ErrorCode::unsupported, subject, "l1, l2, l1_l2, orthogonal_regularizer", object.name);
  }
  arguments.finish();
  return regularizer;
}

Json config_of(const std::shared_ptr<const Regularizer>& regularizer) {
  return regularizer != nullptr ? regularizer->config() : Json();
}

}  // namespace recurra
