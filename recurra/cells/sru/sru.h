/// The simple recurrent unit without its highway. Equations, gate order and paper: sru.md.
#pragma once

#include "recurra/cells/cell.h"

namespace recurra::RECURRA_TARGET_NAME {

///   f, r = sigmoid(gate),  c' = f * c + (1 - f) * z,  m = r * tanh(c'),  s = 1 - r
struct Sru : CellBase {
  static constexpr const char* name = "sru";
  static constexpr int gates = 3;  // z f r
  static constexpr int slots = 3;
  static constexpr int states = 3;  // m c s
  static constexpr int vectors = 1;
  static constexpr bool dense = false;
  static constexpr Window phase[] = {{0, 3}};
  static constexpr Window input = {0, 3};
  static constexpr Activation activations[] = {own_sigmoid, own_sigmoid, own_tanh};  // of f, r, and c

  template <int Phase, Lane V, class A>
  RECURRA_INLINE static void step(StepIo<V, Sru, A>& io) {
    io.slot[0] = io.gate[0];
    const V f = io.template activate<0>(io.gate[1], io.slot[1]);
    const V r = io.template activate<1>(io.gate[2], io.slot[2]);
    io.state[1] = fma(f, io.state[1] - io.slot[0], io.slot[0]);
    io.state[0] = r * io.template activate<2>(io.state[1]);
    io.state[2] = V(1.0F) - r;
  }

  template <int Phase, Lane V, class A>
  RECURRA_INLINE static void step_backward(BackwardIo<V, Sru, A>& io) {
    const Activated<V> f = io.template kept<0>(io.slot[1]);
    const Activated<V> r = io.template kept<1>(io.slot[2]);
    const Activated<V> out = io.template at<2>(io.new_state[1]);
    const V d_m = io.d_state[0];
    const V d_c = fma(d_m * r.value, out.slope, io.d_state[1]);
    io.slot[2] = (d_m * out.value - io.d_state[2]) * r.slope;
    io.slot[1] = d_c * (io.old_state[1] - io.slot[0]) * f.slope;
    io.slot[0] = d_c * (V(1.0F) - f.value);
    io.d_state[0] = V::zero();
    io.d_state[1] = d_c * f.value;
    io.d_state[2] = V::zero();
  }
};

}  // namespace recurra::RECURRA_TARGET_NAME
