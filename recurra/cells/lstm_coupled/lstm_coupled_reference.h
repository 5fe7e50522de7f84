/// The LSTM of lstm_coupled.md in the plainest form, for the tests: one step of one unit.
#pragma once

#include "recurra/base/activation.h"

namespace recurra::reference {

struct LstmCoupledReference {
  static constexpr const char* name = "lstm_coupled";
  static constexpr int gates = 3;
  static constexpr int states = 2;
  static constexpr Activation activations[] = {
      {ActivationKind::sigmoid}, {ActivationKind::tanh}, {ActivationKind::sigmoid}, {ActivationKind::tanh}};

  template <class T, class A>
  static void step(const A& a, const T* gate, T* state) {
    const T i = a(0, gate[0]);
    state[1] = a.limit((1.0 - i) * state[1] + i * a(1, gate[1]));
    state[0] = a(2, gate[2]) * a(3, state[1]);
  }
};

}  // namespace recurra::reference
