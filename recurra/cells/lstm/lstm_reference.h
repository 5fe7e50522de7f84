/// The LSTM of lstm.md in the plainest form, for the tests: one step of one unit, over double or a dual
/// number.
#pragma once

#include <cmath>

namespace recurra::reference {

struct LstmReference {
  static constexpr const char* name = "lstm";
  static constexpr int gates = 4;
  static constexpr int states = 2;

  template <class T>
  static void step(const T* gate, T* state) {
    using std::exp;
    using std::tanh;
    const T i = 1.0 / (1.0 + exp(-gate[0]));
    const T f = 1.0 / (1.0 + exp(-gate[1]));
    const T g = tanh(gate[2]);
    const T o = 1.0 / (1.0 + exp(-gate[3]));
    state[1] = f * state[1] + i * g;
    state[0] = o * tanh(state[1]);
  }
};

}  // namespace recurra::reference
