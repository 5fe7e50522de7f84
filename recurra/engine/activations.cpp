#include "recurra/engine/activations.h"

#include <cmath>
#include <string>

#include "recurra/base/error.h"
#include "recurra/base/shortest.h"

namespace recurra {

namespace {

struct Name {
  const char* text;
  Activation activation;
};

using enum ActivationKind;

// Of several names of one kind the first is its own.
constexpr Name names[] = {
    {"linear", {linear, 0, 0}},
    {"affine", {affine, 1, 0}},
    {"tanh", {tanh, 0, 0}},
    {"scaled_tanh", {scaled_tanh, 1.7159F, 2.0F / 3.0F}},
    {"sigmoid", {sigmoid, 0, 0}},
    {"hard_sigmoid", {hard_sigmoid, 1.0F / 6.0F, 0.5F}},
    {"relu", {relu, 0, 0}},
    {"clipped_relu", {clipped_relu, 6, 0}},
    {"leaky_relu", {leaky_relu, 0.2F, 0}},
    {"thresholded_relu", {thresholded_relu, 1, 0}},
    {"elu", {elu, 1, 0}},
    {"selu", {selu, 0, 0}},
    {"softplus", {softplus, 0, 0}},
    {"softsign", {softsign, 0, 0}},
    {"exponential", {exponential, 0, 0}},
    {"log_sigmoid", {log_sigmoid, 0, 0}},
    {"silu", {silu, 0, 0}},
    {"hard_silu", {hard_silu, 0, 0}},
    {"mish", {mish, 0, 0}},
    {"gelu", {gelu, 0, 0}},
    {"relu6", {clipped_relu, 6, 0}},
    {"swish", {silu, 0, 0}},
    {"hard_swish", {hard_silu, 0, 0}},
};

}  // namespace

Activation parse_activation(std::string_view name, const char* subject) {
  std::string all;
  for (const Name& known : names) {
    if (name == known.text) return known.activation;
    all.append(all.empty() ? "" : ", ").append(known.text);
  }
  throw Error(ErrorCode::unsupported, subject, all, std::string(name));
}

const char* name_of(ActivationKind kind) noexcept {
  for (const Name& known : names) {
    if (known.activation.kind == kind) return known.text;
  }
  return "unknown";
}

void check_activation(const Activation& activation, const char* subject) {
  if (std::string_view(name_of(activation.kind)) == "unknown") {
    throw Error(ErrorCode::invalid_argument,
                subject,
                "an activation",
                std::to_string(static_cast<int>(activation.kind)));
  }
  const auto fail = [&](const char* expected, float value) {
    throw Error(ErrorCode::invalid_argument,
                std::string(subject).append(" ").append(name_of(activation.kind)),
                expected,
                shortest(value));
  };
  if (!std::isfinite(activation.alpha)) fail("a finite alpha", activation.alpha);
  if (!std::isfinite(activation.beta)) fail("a finite beta", activation.beta);
  const bool from_zero = activation.kind == leaky_relu || activation.kind == elu;
  if (from_zero && activation.alpha < 0) fail("alpha from 0 up", activation.alpha);
  if (activation.kind == clipped_relu && !(activation.alpha > 0)) fail("alpha above 0", activation.alpha);
}

void activate(const Activation& activation,
              std::span<const float> x,
              std::span<float> y,
              const Target& target) noexcept {
  target.pointwise(activation, x.data(), y.data(), static_cast<i64>(x.size()));
}

void activation_gradient(const PointwiseGradientArgs& arrays, const Target& target) noexcept {
  target.pointwise_gradient(arrays);
}

}  // namespace recurra
