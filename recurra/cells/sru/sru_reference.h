/// The SRU of sru.md in the plainest form, for the tests: one step of one unit.
#pragma once

#include "recurra/base/activation.h"

namespace recurra::reference {

struct SruReference {
  static constexpr const char* name = "sru";
  static constexpr int gates = 3;
  static constexpr int states = 3;
  static constexpr Activation activations[] = {
      {ActivationKind::sigmoid}, {ActivationKind::sigmoid}, {ActivationKind::tanh}};
  static constexpr bool dense = false;

  template <class T, class A>
  static void step(const A& a, const T* gate, T* state) {
    const T f = a(0, gate[1]);
    const T r = a(1, gate[2]);
    state[1] = f * state[1] + (1.0 - f) * gate[0];
    state[0] = r * a(2, state[1]);
    state[2] = 1.0 - r;
  }
};

}  // namespace recurra::reference
