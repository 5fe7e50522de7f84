/// The vanilla cell of vanilla.md in the plainest form, for the tests: one step of one unit.
#pragma once

#include <cmath>

namespace recurra::reference {

struct VanillaReference {
  static constexpr const char* name = "vanilla";
  static constexpr int gates = 1;
  static constexpr int states = 1;

  template <class T>
  static void step(const T* gate, T* state) {
    using std::tanh;
    state[0] = tanh(gate[0]);
  }
};

}  // namespace recurra::reference
