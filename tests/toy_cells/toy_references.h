/// References of the toy cells.
#pragma once

#include <cmath>

namespace recurra::reference {

struct TwoPhasesReference {
  static constexpr const char* name = "two_phases";
  static constexpr int gates = 3, states = 1, second = 2;

  template <class T>
  static T operand(const T* gate, const T* state) {
    using std::exp;
    return state[0] / (1.0 + exp(-gate[1]));
  }

  template <class T>
  static void step(const T* gate, T* state) {
    using std::exp;
    using std::tanh;
    const T u = 1.0 / (1.0 + exp(-gate[0]));
    const T o = tanh(gate[2]);
    state[0] = u * state[0] + (1.0 - u) * o;
  }
};

struct ApartReference {
  static constexpr const char* name = "apart";
  static constexpr int gates = 2, states = 1, params = 1, separate = 1;

  template <class T>
  static void step(const T* gate, const T& recurrent, const T* param, T* state) {
    using std::exp;
    using std::tanh;
    state[0] = tanh(gate[1] + (recurrent + param[0]) / (1.0 + exp(-gate[0])));
  }
};

struct DiagonalReference {
  static constexpr const char* name = "diagonal";
  static constexpr int gates = 1, states = 1, params = 1;
  static constexpr bool dense = false;

  template <class T>
  static void step(const T* gate, const T* param, T* state) {
    using std::tanh;
    state[0] = tanh(gate[0] + param[0] * state[0]);
  }
};

struct ScanReference {
  static constexpr const char* name = "scan";
  static constexpr int gates = 2, states = 2;
  static constexpr bool dense = false;

  template <class T>
  static void step(const T* gate, T* state) {
    using std::exp;
    using std::tanh;
    const T f = 1.0 / (1.0 + exp(-gate[0]));
    state[1] = f * state[1] + (1.0 - f) * gate[1];
    state[0] = tanh(state[1]);
  }
};

}  // namespace recurra::reference
