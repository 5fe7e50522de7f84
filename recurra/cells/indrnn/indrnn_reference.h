/// The IndRNN of indrnn.md in the plainest form, for the tests: one step of one unit.
#pragma once

#include "recurra/base/activation.h"

namespace recurra::reference {

struct IndrnnReference {
  static constexpr const char* name = "indrnn";
  static constexpr int gates = 1;
  static constexpr int states = 1;
  static constexpr Activation activations[] = {{ActivationKind::relu}};
  static constexpr int params = 1;
  static constexpr bool dense = false;

  template <class T, class A>
  static void step(const A& a, const T* gate, const T* param, T* state) {
    state[0] = a(0, gate[0] + param[0] * state[0]);
  }
};

}  // namespace recurra::reference
