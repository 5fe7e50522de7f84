/// The LSTM of lstm_peephole.md in the plainest form, for the tests: one step of one unit.
#pragma once

#include "recurra/base/activation.h"

namespace recurra::reference {

struct LstmPeepholeReference {
  static constexpr const char* name = "lstm_peephole";
  static constexpr int gates = 4;
  static constexpr int states = 2;
  static constexpr int params = 3;
  static constexpr Activation activations[] = {{ActivationKind::sigmoid},
                                               {ActivationKind::sigmoid},
                                               {ActivationKind::tanh},
                                               {ActivationKind::sigmoid},
                                               {ActivationKind::tanh}};

  template <class T, class A>
  static void step(const A& a, const T* gate, const T* param, T* state) {
    const T i = a(0, gate[0] + param[0] * state[1]);
    const T f = a(1, gate[1] + param[1] * state[1]);
    state[1] = a.limit(f * state[1] + i * a(2, gate[2]));
    state[0] = a(3, gate[3] + param[2] * state[1]) * a(4, state[1]);
  }
};

}  // namespace recurra::reference
