#include "recurra/autograd/math.h"

#include <cmath>

#include "recurra/autograd/arithmetic.h"
#include "recurra/autograd/call.h"
#include "recurra/autograd/scope.h"
#include "recurra/engine/activations.h"

namespace recurra::autograd {

namespace {

// y = value(x) with the gradient d * slope(x, y).
template <class Value, class Slope>
Variable apply(const Called& called, const Variable& x, const Value& value, const Slope& slope) {
  const Tensor& from = called.value(x, "x");
  Tensor y = Tensor::recycled(from.shape());
  float* const to = y.data();
  const float* const at = from.data();
  for (i64 i = 0; i < from.size(); ++i) to[i] = value(at[i]);
  return called.result({x}, std::move(y), [slope](BackwardPass& pass) {
    Tensor d = pass.take_gradient(0);
    float* const dx = d.data();
    const float* const from = pass.input(0).data();
    const float* const made = pass.output(0).data();
    for (i64 i = 0; i < d.size(); ++i) dx[i] *= slope(from[i], made[i]);
    pass.add(0, std::move(d));
  });
}

Variable activated(const Called& called, const Variable& x, const Activation& activation) {
  const Tensor& from = called.value(x, "x");
  Tensor y = Tensor::recycled(from.shape());
  recurra::activate(activation, from.as<float>(), y.as<float>(), target());
  return called.result({x}, std::move(y), [activation](BackwardPass& pass) {
    Tensor d = pass.take_gradient(0);
    activation_gradient(
        {&activation, pass.input(0).data(), pass.output(0).data(), d.data(), d.data(), d.size()}, target());
    pass.add(0, std::move(d));
  });
}

}  // namespace

Variable negate(const Variable& x, std::string_view name) {
  return apply(
      {"negate", name}, x, [](float v) { return -v; }, [](float, float) { return -1.0F; });
}

Variable exp(const Variable& x, std::string_view name) {
  return activated({"exp", name}, x, {ActivationKind::exponential});
}

Variable log(const Variable& x, std::string_view name) {
  return apply(
      {"log", name}, x, [](float v) { return std::log(v); }, [](float v, float) { return 1.0F / v; });
}

Variable sqrt(const Variable& x, std::string_view name) {
  return apply(
      {"sqrt", name}, x, [](float v) { return std::sqrt(v); }, [](float, float y) { return 0.5F / y; });
}

Variable square(const Variable& x, std::string_view name) {
  return apply(
      {"square", name}, x, [](float v) { return v * v; }, [](float v, float) { return 2 * v; });
}

Variable abs(const Variable& x, std::string_view name) {
  return apply(
      {"abs", name},
      x,
      [](float v) { return std::fabs(v); },
      [](float v, float) { return v > 0   ? 1.0F
                                  : v < 0 ? -1.0F
                                          : 0.0F; });
}

Variable sin(const Variable& x, std::string_view name) {
  return apply(
      {"sin", name}, x, [](float v) { return std::sin(v); }, [](float v, float) { return std::cos(v); });
}

Variable cos(const Variable& x, std::string_view name) {
  return apply(
      {"cos", name}, x, [](float v) { return std::cos(v); }, [](float v, float) { return -std::sin(v); });
}

Variable reciprocal(const Variable& x, std::string_view name) {
  return apply(
      {"reciprocal", name}, x, [](float v) { return 1.0F / v; }, [](float, float y) { return -y * y; });
}

Variable activate(const Variable& x, const Activation& activation, std::string_view name) {
  const Called called{"activate", name};
  check_activation(activation, called.subject("activation").c_str());
  return activated(called, x, activation);
}

Variable activate(const Variable& x, std::string_view activation, std::string_view name) {
  const Called called{"activate", name};
  return activated(called, x, parse_activation(activation, called.subject("activation").c_str()));
}

Variable tanh(const Variable& x, std::string_view name) {
  return activated({"tanh", name}, x, {ActivationKind::tanh});
}

Variable sigmoid(const Variable& x, std::string_view name) {
  return activated({"sigmoid", name}, x, {ActivationKind::sigmoid});
}

Variable relu(const Variable& x, std::string_view name) {
  return activated({"relu", name}, x, {ActivationKind::relu});
}

Variable dropout(const Variable& x, const Variable& factors, std::string_view name) {
  const Called called{"dropout", name};
  const Shape& shape = called.value(x, "x").shape();
  if (called.value(factors, "factors").shape() != shape)
    throw Error(ErrorCode::shape, called.subject("factors"), shape.to_string(), factors.shape().to_string());
  return multiply(x, factors, name);
}

}  // namespace recurra::autograd
