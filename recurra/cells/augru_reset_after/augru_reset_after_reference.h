/// The AUGRU of augru_reset_after.md in the plainest form, for the tests: one step of one unit, `recurrent`
/// being the candidate's U h.
#pragma once

#include "recurra/base/activation.h"

namespace recurra::reference {

struct AugruResetAfterReference {
  static constexpr const char* name = "augru_reset_after";
  static constexpr int gates = 3;
  static constexpr int states = 1;
  static constexpr Activation activations[] = {
      {ActivationKind::sigmoid}, {ActivationKind::sigmoid}, {ActivationKind::tanh}};
  static constexpr int params = 1;
  static constexpr int separate = 2;
  static constexpr bool attention = true;

  template <class T, class A>
  static void step(
      const A& a, const T* gate, const T& recurrent, const T* param, const T& attention, T* state) {
    const T v = (1.0 - attention) * a(0, gate[0]);
    const T o = a(2, gate[2] + a(1, gate[1]) * (recurrent + param[0]));
    state[0] = v * state[0] + (1.0 - v) * o;
  }
};

}  // namespace recurra::reference
