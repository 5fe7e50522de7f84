/// A cell of an unusual kind, for the tests alone: it runs through the engine so that a new cell adds a
/// folder and moves no wall.
#pragma once

#include "recurra/cells/cell.h"

namespace recurra::RECURRA_TARGET_NAME {

/// A scan: no product, the output does not come back:  f = sigmoid(gate),  c' = f c + (1 - f) z,  h' =
/// tanh(c').
struct Scan : CellBase {
  static constexpr const char* name = "scan";
  static constexpr int gates = 2, slots = 2, states = 2, vectors = 1;
  static constexpr bool dense = false;
  static constexpr Window phase[] = {{0, 2}};
  static constexpr Window input = {0, 2};
  static constexpr Activation activations[] = {own_sigmoid, own_tanh};

  template <int Phase, Lane V, class A>
  RECURRA_INLINE static void step(StepIo<V, Scan, A>& io) {
    const V f = io.template activate<0>(io.gate[0], io.slot[0]);
    io.slot[1] = io.gate[1];
    io.state[1] = fma(f, io.state[1] - io.slot[1], io.slot[1]);
    io.state[0] = io.template activate<1>(io.state[1]);
  }

  template <int Phase, Lane V, class A>
  RECURRA_INLINE static void step_backward(BackwardIo<V, Scan, A>& io) {
    const Activated<V> f = io.template kept<0>(io.slot[0]);
    const V d_c = fma(io.d_state[0], io.template at<1>(io.new_state[1]).slope, io.d_state[1]);
    io.slot[0] = d_c * (io.old_state[1] - io.slot[1]) * f.slope;
    io.slot[1] = d_c * (V(1.0F) - f.value);
    io.d_state[0] = V::zero();
    io.d_state[1] = d_c * f.value;
  }
};

}  // namespace recurra::RECURRA_TARGET_NAME
