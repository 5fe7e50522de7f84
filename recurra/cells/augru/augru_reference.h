/// The AUGRU of augru.md in the plainest form, for the tests: one step of one unit.
#pragma once

#include "recurra/base/activation.h"

namespace recurra::reference {

struct AugruReference {
  static constexpr const char* name = "augru";
  static constexpr int gates = 3;
  static constexpr int states = 1;
  static constexpr Activation activations[] = {
      {ActivationKind::sigmoid}, {ActivationKind::sigmoid}, {ActivationKind::tanh}};
  static constexpr int second = 2;
  static constexpr bool attention = true;

  template <class T, class A>
  static T operand(const A& a, const T* gate, const T* state) {
    return a(1, gate[1]) * state[0];
  }

  template <class T, class A>
  static void step(const A& a, const T* gate, const T& attention, T* state) {
    const T v = (1.0 - attention) * a(0, gate[0]);
    state[0] = v * state[0] + (1.0 - v) * a(2, gate[2]);
  }
};

}  // namespace recurra::reference
