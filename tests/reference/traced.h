/// Numbers that write down how they were made, so that one walk back gives the derivatives of a result by all
/// of a great many inputs; where inputs are few, dual.h is simpler.
#pragma once

#include <cmath>
#include <vector>

namespace recurra::reference {

/// What was computed, in order: each entry has the derivatives by the two it was made of.
class Tape {
 public:
  static constexpr int constant = -1;

  int add(int a, double by_a, int b = constant, double by_b = 0) {
    entries_.push_back({a, b, by_a, by_b});
    return int(entries_.size()) - 1;
  }

  /// Derivatives of a sum over entries, each times its gradient, by all entries; `gradient` has one for each.
  [[nodiscard]] std::vector<double> walk_back(std::vector<double> gradient) const {
    for (std::size_t i = entries_.size(); i-- > 0;) {
      const Entry& e = entries_[i];
      if (e.a != constant) gradient[std::size_t(e.a)] += e.by_a * gradient[i];
      if (e.b != constant) gradient[std::size_t(e.b)] += e.by_b * gradient[i];
    }
    return gradient;
  }

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    int a, b;
    double by_a, by_b;
  };

  std::vector<Entry> entries_;
};

struct Traced {
  double value = 0;
  Tape* tape = nullptr;  // null: a constant
  int place = Tape::constant;

  Traced() = default;

  Traced(double v) : value(v) {}

  static Traced input(double v, Tape& tape) { return made(v, &tape, tape.add(Tape::constant, 0)); }

  /// f(value) with slope f'(value).
  [[nodiscard]] Traced mapped(double v, double slope) const {
    return tape == nullptr ? Traced(v) : made(v, tape, tape->add(place, slope));
  }

  friend Traced combine(const Traced& a, const Traced& b, double v, double by_a, double by_b) {
    Tape* tape = a.tape != nullptr ? a.tape : b.tape;
    return tape == nullptr ? Traced(v) : made(v, tape, tape->add(a.place, by_a, b.place, by_b));
  }

  friend Traced operator+(const Traced& a, const Traced& b) { return combine(a, b, a.value + b.value, 1, 1); }

  friend Traced operator-(const Traced& a, const Traced& b) {
    return combine(a, b, a.value - b.value, 1, -1);
  }

  friend Traced operator*(const Traced& a, const Traced& b) {
    return combine(a, b, a.value * b.value, b.value, a.value);
  }

  friend Traced operator/(const Traced& a, const Traced& b) {
    return combine(a, b, a.value / b.value, 1 / b.value, -a.value / (b.value * b.value));
  }

  friend Traced operator-(const Traced& a) { return a.mapped(-a.value, -1); }

  friend Traced exp(const Traced& a) { return a.mapped(std::exp(a.value), std::exp(a.value)); }

  friend Traced log1p(const Traced& a) { return a.mapped(std::log1p(a.value), 1 / (1 + a.value)); }

  friend Traced sqrt(const Traced& a) { return a.mapped(std::sqrt(a.value), 0.5 / std::sqrt(a.value)); }

  friend Traced abs(const Traced& a) { return a.mapped(std::abs(a.value), a.value < 0 ? -1 : 1); }

  friend Traced erf(const Traced& a) {
    return a.mapped(std::erf(a.value), 1.1283791670955126 * std::exp(-a.value * a.value));
  }

  friend Traced tanh(const Traced& a) {
    const double t = std::tanh(a.value);
    return a.mapped(t, 1 - t * t);
  }

 private:
  static Traced made(double v, Tape* tape, int place) {
    Traced t(v);
    t.tape = tape;
    t.place = place;
    return t;
  }
};

}  // namespace recurra::reference
