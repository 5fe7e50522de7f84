/// The GRU of gru_gates.md in the plainest form, for the tests: one step of one unit.
#pragma once

#include "recurra/base/activation.h"

namespace recurra::reference {

struct GruGatesReference {
  static constexpr const char* name = "gru_gates";
  static constexpr int gates = 3;
  static constexpr int states = 4;
  static constexpr Activation activations[] = {
      {ActivationKind::sigmoid}, {ActivationKind::sigmoid}, {ActivationKind::tanh}};
  static constexpr int second = 2;

  template <class T, class A>
  static T operand(const A& a, const T* gate, const T* state) {
    return a(1, gate[1]) * state[0];
  }

  template <class T, class A>
  static void step(const A& a, const T* gate, T* state) {
    state[1] = a(0, gate[0]);
    state[2] = a(1, gate[1]);
    state[3] = a(2, gate[2]);
    state[0] = state[1] * state[0] + (1.0 - state[1]) * state[3];
  }
};

}  // namespace recurra::reference
