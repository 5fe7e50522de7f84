/// The toy cell scan in the plainest form: one step of one unit.
#pragma once

#include "recurra/base/activation.h"

namespace recurra::reference {

struct ScanReference {
  static constexpr const char* name = "scan";
  static constexpr int gates = 2, states = 2;
  static constexpr Activation activations[] = {{ActivationKind::sigmoid}, {ActivationKind::tanh}};
  static constexpr bool dense = false;

  template <class T, class A>
  static void step(const A& a, const T* gate, T* state) {
    const T f = a(0, gate[0]);
    state[1] = f * state[1] + (1.0 - f) * gate[1];
    state[0] = a(1, state[1]);
  }
};

}  // namespace recurra::reference
