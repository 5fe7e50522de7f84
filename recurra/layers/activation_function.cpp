#include "recurra/layers/activation_function.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include "recurra/engine/activations.h"
#include "recurra/engine/softmax.h"
#include "recurra/layers/arguments.h"

namespace recurra {

namespace {

using Json = nlohmann::json;
using Kind = ActivationFunction::Kind;

/// y = x - max - log(sum), or its exponential; y may be x. `powers` has room for a row, and may be y unless
/// that is x.
void softmax_row(std::span<const float> x, std::span<float> y, std::span<float> powers, Kind kind) {
  const RowPowers row = row_powers(x, powers);
  if (kind == Kind::log_softmax) {
    const double shift = row.largest + std::log(row.sum);
    std::ranges::transform(x, y.begin(), [&](float value) { return static_cast<float>(value - shift); });
    return;
  }
  const auto scale = static_cast<float>(1 / row.sum);
  std::ranges::transform(powers, y.begin(), [&](float power) { return power * scale; });
}

/// softmax: dx = y (dy - sum of dy y); log_softmax: dx = dy - exp(y) sum of dy.
void softmax_gradient_row(const float* y, const float* dy, float* dx, i64 n, Kind kind) {
  double sum = 0;
  for (i64 j = 0; j < n; ++j) sum += kind == Kind::softmax ? double{dy[j]} * y[j] : double{dy[j]};
  const auto total = static_cast<float>(sum);
  for (i64 j = 0; j < n; ++j)
    dx[j] = kind == Kind::softmax ? y[j] * (dy[j] - total) : dy[j] - std::exp(y[j]) * total;
}

Activation read_relu(Arguments& arguments) {
  const std::optional<double> limit = arguments.take_optional<double>("max_value");
  const double slope = arguments.take_optional<double>("negative_slope").value_or(0);
  const double threshold = arguments.take_optional<double>("threshold").value_or(0);
  if ((limit ? 1 : 0) + (slope != 0 ? 1 : 0) + (threshold != 0 ? 1 : 0) > 1) {
    throw Error(ErrorCode::unsupported,
                arguments.type(),
                "one of max_value, negative_slope and threshold",
                "more than one of them");
  }
  if (limit) return {ActivationKind::clipped_relu, static_cast<float>(*limit)};
  if (slope != 0) return {ActivationKind::leaky_relu, static_cast<float>(slope)};
  if (threshold != 0) return {ActivationKind::thresholded_relu, static_cast<float>(threshold)};
  return {ActivationKind::relu};
}

Activation read_leaky_relu(Arguments& arguments) {
  // Keras 2 called it alpha.
  const double slope = arguments.take<double>("negative_slope", 0.3);
  const std::optional<double> alpha = arguments.take_optional<double>("alpha");
  return {ActivationKind::leaky_relu, static_cast<float>(alpha.value_or(slope))};
}

/// Throws with all names, which the engine's parser does not know.
Activation named(const std::string& name, const std::string& subject) {
  try {
    return parse_activation(name, subject.c_str());
  } catch (const Error& error) {
    throw Error(error.code(), error.subject(), error.expected() + ", softmax, log_softmax", error.actual());
  }
}

ActivationFunction read_object(const KerasObject& object, const std::string& subject) {
  // Keras 2 wrote functions so.
  if (object.name == "function") return make_activation(object.config, subject);
  Arguments arguments(std::string(subject).append(" ").append(object.name), object.config);
  for (const char* passed : {"name", "trainable", "dtype"}) arguments.ignore(passed);
  ActivationFunction activation;
  if (object.name == "ReLU") {
    activation = read_relu(arguments);
  } else if (object.name == "LeakyReLU") {
    activation = read_leaky_relu(arguments);
  } else if (object.name == "ELU") {
    activation = Activation{ActivationKind::elu, static_cast<float>(arguments.take<double>("alpha", 1))};
  } else if (object.name == "Softmax") {
    arguments.ignore("axis", {-1});
    activation = ActivationFunction::softmax();
  } else {
    Activation pointwise = named(object.name, subject);
    pointwise.alpha = static_cast<float>(arguments.take<double>("alpha", pointwise.alpha));
    pointwise.beta = static_cast<float>(arguments.take<double>("beta", pointwise.beta));
    activation = pointwise;
  }
  arguments.finish();
  return activation;
}

/// The shortest number that is `value` as an f32: 0.3, not 0.30000001.
double shortest(float value) {
  std::array<char, 32> text;
  const char* end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  double number = 0;
  std::from_chars(text.data(), end, number);
  return number;
}

Json write_layer(const char* class_name, Json config) {
  return write_keras_object("keras.layers", class_name, std::move(config));
}

}  // namespace

ActivationFunction::ActivationFunction(const Activation& activation) : activation_(activation) {
  check_activation(activation, "activation");
}

void ActivationFunction::forward(const Tensor& x, Tensor& y) const {
  if (&y != &x) y.resize(x.shape());
  if (kind_ == Kind::pointwise) {
    activate(activation_, x.as<float>(), y.as<float>());
    return;
  }
  const auto n = static_cast<std::size_t>(x.shape().back());
  std::vector<float> kept(&y == &x ? n : 0);  // the logarithm needs x behind the powers
  for (std::size_t at = 0; at < x.as<float>().size(); at += n) {
    const std::span<float> to = y.as<float>().subspan(at, n);
    softmax_row(x.as<float>().subspan(at, n), to, kept.empty() ? to : std::span(kept), kind_);
  }
}

void ActivationFunction::backward(const Tensor& x, const Tensor& y, const Tensor& dy, Tensor& dx) const {
  if (&dx != &dy) dx.resize(x.shape());
  if (kind_ == Kind::pointwise) {
    activation_gradient({.activation = &activation_,
                         .x = x.data(),
                         .y = y.data(),
                         .dy = dy.data(),
                         .dx = dx.data(),
                         .count = x.size()});
    return;
  }
  const i64 n = x.shape().back();
  for (i64 at = 0; at < x.size(); at += n)
    softmax_gradient_row(y.data() + at, dy.data() + at, dx.data() + at, n, kind_);
}

ActivationFunction make_activation(const Json& json, const std::string& subject) {
  if (json.is_null()) return {};
  const KerasObject object = read_keras_object(json, subject);
  if (!object.bare) return read_object(object, subject);
  if (object.name == "softmax") return ActivationFunction::softmax();
  if (object.name == "log_softmax") return ActivationFunction::log_softmax();
  return named(object.name, subject);
}

Json config_of(const ActivationFunction& activation) {
  if (activation.kind() == Kind::softmax) return "softmax";
  if (activation.kind() == Kind::log_softmax) return "log_softmax";
  const Activation& own = activation.pointwise();
  const char* name = name_of(own.kind);
  if (own == Activation{ActivationKind::clipped_relu, 6}) return "relu6";
  if (own.kind == ActivationKind::clipped_relu)
    return write_layer("ReLU", {{"max_value", shortest(own.alpha)}});
  if (own.kind == ActivationKind::thresholded_relu)
    return write_layer("ReLU", {{"threshold", shortest(own.alpha)}});
  if (own == parse_activation(name, "activation")) return name;
  if (own.kind == ActivationKind::leaky_relu)
    return write_layer("LeakyReLU", {{"negative_slope", shortest(own.alpha)}});
  if (own.kind == ActivationKind::elu) return write_layer("ELU", {{"alpha", shortest(own.alpha)}});
  return write_keras_object(
      "keras.activations", name, {{"alpha", shortest(own.alpha)}, {"beta", shortest(own.beta)}});
}

}  // namespace recurra
