/// References of the toy cells.
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
