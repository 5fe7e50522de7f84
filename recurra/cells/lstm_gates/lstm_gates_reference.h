/// The LSTM of lstm_gates.md in the plainest form, for the tests: one step of one unit.
#pragma once

#include "recurra/base/activation.h"

namespace recurra::reference {

struct LstmGatesReference {
  static constexpr const char* name = "lstm_gates";
  static constexpr int gates = 4;
  static constexpr int states = 6;
  static constexpr int params = 3;
  static constexpr Activation activations[] = {{ActivationKind::sigmoid},
                                               {ActivationKind::sigmoid},
                                               {ActivationKind::tanh},
                                               {ActivationKind::sigmoid},
                                               {ActivationKind::tanh}};

  template <class T, class A>
  static void step(const A& a, const T* gate, const T* param, T* state) {
    state[2] = a(0, gate[0] + param[0] * state[1]);
    state[3] = a(1, gate[1] + param[1] * state[1]);
    state[4] = a(2, gate[2]);
    state[1] = a.limit(state[3] * state[1] + state[2] * state[4]);
    state[5] = a(3, gate[3] + param[2] * state[1]);
    state[0] = state[5] * a(4, state[1]);
  }
};

}  // namespace recurra::reference
