/// The vanilla cell of vanilla.md in the plainest form, for the tests: one step of one unit.
#pragma once

#include "recurra/base/activation.h"

namespace recurra::reference {

struct VanillaReference {
  static constexpr const char* name = "vanilla";
  static constexpr int gates = 1;
  static constexpr int states = 1;
  static constexpr Activation activations[] = {{ActivationKind::tanh}};

  template <class T, class A>
  static void step(const A& a, const T* gate, T* state) {
    state[0] = a(0, gate[0]);
  }
};

}  // namespace recurra::reference
