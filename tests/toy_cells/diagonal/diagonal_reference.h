/// The toy cell diagonal in the plainest form: one step of one unit.
#pragma once

#include "recurra/base/activation.h"

namespace recurra::reference {

struct DiagonalReference {
  static constexpr const char* name = "diagonal";
  static constexpr int gates = 1, states = 1, params = 1;
  static constexpr Activation activations[] = {{ActivationKind::tanh}};
  static constexpr bool dense = false;

  template <class T, class A>
  static void step(const A& a, const T* gate, const T* param, T* state) {
    state[0] = a(0, gate[0] + param[0] * state[0]);
  }
};

}  // namespace recurra::reference
