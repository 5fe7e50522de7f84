/// Numbers that carry their derivatives by a fixed set of inputs, so that a reference written once for double
/// gives its own gradients.
#pragma once

#include <array>
#include <cmath>

namespace recurra::reference {

template <int N>
struct Dual {
  double value = 0;
  std::array<double, N> by{};

  Dual() = default;

  Dual(double v) : value(v) {}

  static Dual input(double v, int which) {
    Dual d(v);
    d.by[static_cast<std::size_t>(which)] = 1;
    return d;
  }

  /// f(value) with slope f'(value).
  [[nodiscard]] Dual mapped(double v, double slope) const {
    Dual d(v);
    for (std::size_t i = 0; i < N; ++i) d.by[i] = slope * by[i];
    return d;
  }

  friend Dual combine(const Dual& a, const Dual& b, double v, double by_a, double by_b) {
    Dual d(v);
    for (std::size_t i = 0; i < N; ++i) d.by[i] = by_a * a.by[i] + by_b * b.by[i];
    return d;
  }

  friend Dual operator+(const Dual& a, const Dual& b) { return combine(a, b, a.value + b.value, 1, 1); }

  friend Dual operator-(const Dual& a, const Dual& b) { return combine(a, b, a.value - b.value, 1, -1); }

  friend Dual operator*(const Dual& a, const Dual& b) {
    return combine(a, b, a.value * b.value, b.value, a.value);
  }

  friend Dual operator/(const Dual& a, const Dual& b) {
    return combine(a, b, a.value / b.value, 1 / b.value, -a.value / (b.value * b.value));
  }

  friend Dual operator-(const Dual& a) { return a.mapped(-a.value, -1); }

  friend Dual exp(const Dual& a) { return a.mapped(std::exp(a.value), std::exp(a.value)); }

  friend Dual log1p(const Dual& a) { return a.mapped(std::log1p(a.value), 1 / (1 + a.value)); }

  friend Dual abs(const Dual& a) { return a.mapped(std::abs(a.value), a.value < 0 ? -1 : 1); }

  friend Dual erf(const Dual& a) {
    return a.mapped(std::erf(a.value), 1.1283791670955126 * std::exp(-a.value * a.value));
  }

  friend Dual tanh(const Dual& a) {
    const double t = std::tanh(a.value);
    return a.mapped(t, 1 - t * t);
  }
};

}  // namespace recurra::reference
