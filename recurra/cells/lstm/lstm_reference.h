/// The LSTM of lstm.md in the plainest form, for the tests: one step of one unit, over double or a dual
/// number; a(k, x) is the activation at place k, a.limit the clip.
#pragma once

#include "recurra/base/activation.h"

namespace recurra::reference {

struct LstmReference {
  static constexpr const char* name = "lstm";
  static constexpr int gates = 4;
  static constexpr int states = 2;
  static constexpr Activation activations[] = {{ActivationKind::sigmoid},
                                               {ActivationKind::sigmoid},
                                               {ActivationKind::tanh},
                                               {ActivationKind::sigmoid},
                                               {ActivationKind::tanh}};

  template <class T, class A>
  static void step(const A& a, const T* gate, T* state) {
    state[1] = a.limit(a(1, gate[1]) * state[1] + a(0, gate[0]) * a(2, gate[2]));
    state[0] = a(3, gate[3]) * a(4, state[1]);
  }
};

}  // namespace recurra::reference
