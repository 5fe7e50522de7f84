/// The layer-normalised LSTM of lstm_layer_norm.md in the plainest form, for the tests: one step of all units
/// of a row, over double or a number that knows its derivatives.
#pragma once

#include <cmath>
#include <vector>

#include "recurra/base/activation.h"

namespace recurra::reference {

struct LstmLayerNormReference {
  static constexpr const char* name = "lstm_layer_norm";
  static constexpr int gates = 4;
  static constexpr int states = 2;
  static constexpr int params = 10;  // gains of W x, gains of U h, gain and shift of c
  static constexpr bool by_rows = true;
  static constexpr Activation activations[] = {{ActivationKind::sigmoid},
                                               {ActivationKind::sigmoid},
                                               {ActivationKind::tanh},
                                               {ActivationKind::sigmoid},
                                               {ActivationKind::tanh}};

  template <class T>
  static std::vector<T> normalised(const std::vector<T>& z) {
    using std::sqrt;
    const T count(double(z.size()));
    T mean(0.0);
    for (const T& x : z) mean = mean + x / count;
    T variance(0.0);
    for (const T& x : z) variance = variance + (x - mean) * (x - mean) / count;
    std::vector<T> n;
    for (const T& x : z) n.push_back((x - mean) / sqrt(variance + T(1e-5)));
    return n;
  }

  template <class A, class Row>
  static void step(const A& a, const Row& row) {
    using T = typename Row::Number;
    std::vector<T> input, recurrent, c;
    for (std::size_t u = 0; u < row.units(); ++u) {
      for (std::size_t g = 0; g < gates; ++g) input.push_back(row.input(u, g));
      for (std::size_t g = 0; g < gates; ++g) recurrent.push_back(row.recurrent(u, g));
    }
    input = normalised(input);
    recurrent = normalised(recurrent);
    const auto gate = [&](std::size_t u, std::size_t g) {
      const std::size_t at = u * gates + g;
      return row.param(u, g) * input[at] + row.param(u, gates + g) * recurrent[at] + row.bias(u, g);
    };
    for (std::size_t u = 0; u < row.units(); ++u) {
      c.push_back(a.limit(a(1, gate(u, 1)) * row.state(u, 1) + a(0, gate(u, 0)) * a(2, gate(u, 2))));
      row.state(u, 1) = c.back();
    }
    c = normalised(c);
    for (std::size_t u = 0; u < row.units(); ++u) {
      row.state(u, 0) = a(3, gate(u, 3)) * a(4, row.param(u, 8) * c[u] + row.param(u, 9));
    }
  }
};

}  // namespace recurra::reference
