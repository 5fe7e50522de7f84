#include "recurra/layers/constraints.h"

#include <algorithm>
#include <cmath>

#include "recurra/base/shortest.h"
#include "recurra/layers/arguments.h"

namespace recurra {

namespace {

using Json = nlohmann::json;

constexpr const char* module = "keras.constraints";
constexpr double epsilon = 1e-7;  // Keras's: a vector of zeros stays one

void require_number(const char* name, double value, double least, const char* expected) {
  if (std::isfinite(value) && value >= least) return;
  throw Error(ErrorCode::invalid_argument, name, expected, shortest(value));
}

/// w times factor(norm), for the norm of each vector along `axis`.
template <class Factor>
void scale_vectors(Tensor& w, i64 axis, const char* name, const Factor& factor) {
  const Shape& shape = w.shape();
  const i64 from_front = axis < 0 ? axis + shape.rank() : axis;
  if (from_front < 0 || from_front >= shape.rank()) {
    throw Error(ErrorCode::shape,
                std::string(name).append(" constraint"),
                "a tensor with an axis " + std::to_string(axis),
                shape.to_string());
  }
  const auto at = static_cast<int>(from_front);
  i64 inner = 1;
  for (int behind = at + 1; behind < shape.rank(); ++behind) inner *= shape[behind];
  const i64 length = shape[at];
  const i64 vectors = length > 0 ? w.size() / length : 0;
  for (i64 v = 0; v < vectors; ++v) {
    float* vector = w.data() + v / inner * inner * length + v % inner;
    double square = 0;
    for (i64 k = 0; k < length; ++k) square += double{vector[k * inner]} * vector[k * inner];
    const auto scale = static_cast<float>(factor(std::sqrt(square)));
    for (i64 k = 0; k < length; ++k) vector[k * inner] *= scale;
  }
}

class MaxNorm final : public Constraint {
 public:
  MaxNorm(double max_value, i64 axis) : max_value_(max_value), axis_(axis) {
    require_number("max_value", max_value, 0, "a finite number from 0 up");
  }

  void apply(Tensor& w) const override {
    scale_vectors(
        w, axis_, "max_norm", [&](double norm) { return std::min(norm, max_value_) / (epsilon + norm); });
  }

  [[nodiscard]] Json config() const override {
    return write_keras_object(module, "MaxNorm", {{"max_value", max_value_}, {"axis", axis_}});
  }

 private:
  double max_value_;
  i64 axis_;
};

class NonNeg final : public Constraint {
 public:
  void apply(Tensor& w) const override {
    // A NaN stays one, so that training stops at it.
    for (float& value : w.as<float>()) value = value < 0 ? 0.0F : value;
  }

  [[nodiscard]] Json config() const override { return write_keras_object(module, "NonNeg", Json::object()); }
};

class UnitNorm final : public Constraint {
 public:
  explicit UnitNorm(i64 axis) : axis_(axis) {}

  void apply(Tensor& w) const override {
    scale_vectors(w, axis_, "unit_norm", [](double norm) { return 1 / (epsilon + norm); });
  }

  [[nodiscard]] Json config() const override {
    return write_keras_object(module, "UnitNorm", {{"axis", axis_}});
  }

 private:
  i64 axis_;
};

class MinMaxNorm final : public Constraint {
 public:
  explicit MinMaxNorm(const MinMaxNormOptions& options) : options_(options) {
    require_number("min_value", options.min_value, 0, "a finite number from 0 up");
    require_number("max_value", options.max_value, options.min_value, "a finite number from min_value up");
    if (!(options.rate >= 0 && options.rate <= 1))
      throw Error(ErrorCode::invalid_argument, "rate", "0 to 1", shortest(options.rate));
  }

  void apply(Tensor& w) const override {
    scale_vectors(w, options_.axis, "min_max_norm", [&](double norm) {
      const double desired = options_.rate * std::clamp(norm, options_.min_value, options_.max_value) +
                             (1 - options_.rate) * norm;
      return desired / (epsilon + norm);
    });
  }

  [[nodiscard]] Json config() const override {
    return write_keras_object(module,
                              "MinMaxNorm",
                              {{"min_value", options_.min_value},
                               {"max_value", options_.max_value},
                               {"rate", options_.rate},
                               {"axis", options_.axis}});
  }

 private:
  MinMaxNormOptions options_;
};

}  // namespace

std::shared_ptr<const Constraint> max_norm(double max_value, i64 axis) {
  return std::make_shared<MaxNorm>(max_value, axis);
}

std::shared_ptr<const Constraint> non_neg() {
  return std::make_shared<NonNeg>();
}

std::shared_ptr<const Constraint> unit_norm(i64 axis) {
  return std::make_shared<UnitNorm>(axis);
}

std::shared_ptr<const Constraint> min_max_norm(const MinMaxNormOptions& options) {
  return std::make_shared<MinMaxNorm>(options);
}

std::shared_ptr<const Constraint> make_constraint(const Json& json, const std::string& subject) {
  if (json.is_null()) return nullptr;
  const KerasObject object = read_keras_object(json, subject);
  const auto is = [&](const char* text, const char* class_name) {
    return object.name == text || object.name == class_name;
  };
  Arguments arguments(std::string(subject).append(" ").append(object.name), object.config);
  std::shared_ptr<const Constraint> constraint;
  if (is("max_norm", "MaxNorm")) {
    const double max_value = arguments.take<double>("max_value", 2);
    constraint = max_norm(max_value, arguments.take<i64>("axis", 0));
  } else if (is("non_neg", "NonNeg")) {
    constraint = non_neg();
  } else if (is("unit_norm", "UnitNorm")) {
    constraint = unit_norm(arguments.take<i64>("axis", 0));
  } else if (is("min_max_norm", "MinMaxNorm")) {
    MinMaxNormOptions options;
    options.min_value = arguments.take<double>("min_value", options.min_value);
    options.max_value = arguments.take<double>("max_value", options.max_value);
    options.rate = arguments.take<double>("rate", options.rate);
    options.axis = arguments.take<i64>("axis", options.axis);
    constraint = min_max_norm(options);
  } else {
    throw Error(ErrorCode::unsupported, subject, "max_norm, non_neg, unit_norm, min_max_norm", object.name);
  }
  arguments.finish();
  return constraint;
}

Json config_of(const std::shared_ptr<const Constraint>& constraint) {
  return constraint != nullptr ? constraint->config() : Json();
}

}  // namespace recurra
