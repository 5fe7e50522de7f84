/// Long short-term memory with coupled input and forget gates. Equations, gate order and paper:
/// lstm_coupled.md.
#pragma once

#include "recurra/cells/cell.h"

namespace recurra::RECURRA_TARGET_NAME {

///   i, o = sigmoid(gate),  g = tanh(gate)
///   c' = (1 - i) * c + i * g,  h' = o * tanh(c')
struct LstmCoupled : CellBase {
  static constexpr const char* name = "lstm_coupled";
  static constexpr int gates = 3;  // i g o
  static constexpr int slots = 3;
  static constexpr int states = 2;  // h c
  static constexpr int vectors = 1;
  static constexpr bool clips = true;
  static constexpr Window phase[] = {{0, 3}};
  static constexpr Window input = {0, 3};
  static constexpr Activation activations[] = {// of the gates, and of c on its way out
                                               own_sigmoid,
                                               own_tanh,
                                               own_sigmoid,
                                               own_tanh};

  template <int Phase, Lane V, class A>
  RECURRA_INLINE static void step(StepIo<V, LstmCoupled, A>& io) {
    const V i = io.template activate<0>(io.gate[0], io.slot[0]);
    const V g = io.template activate<1>(io.gate[1], io.slot[1]);
    const V o = io.template activate<2>(io.gate[2], io.slot[2]);
    io.state[1] = io.limit(fma(i, g - io.state[1], io.state[1]));
    io.state[0] = o * io.template activate<3>(io.state[1]);
  }

  template <int Phase, Lane V, class A>
  RECURRA_INLINE static void step_backward(BackwardIo<V, LstmCoupled, A>& io) {
    const Activated<V> i = io.template kept<0>(io.slot[0]);
    const Activated<V> g = io.template kept<1>(io.slot[1]);
    const Activated<V> o = io.template kept<2>(io.slot[2]);
    const Activated<V> out = io.template at<3>(io.new_state[1]);
    const V d_h = io.d_state[0];
    const V d_c = io.limit_gradient(io.new_state[1], fma(d_h * o.value, out.slope, io.d_state[1]));
    io.slot[0] = d_c * (g.value - io.old_state[1]) * i.slope;
    io.slot[1] = d_c * i.value * g.slope;
    io.slot[2] = d_h * out.value * o.slope;
    io.d_state[0] = V::zero();
    io.d_state[1] = d_c * (V(1.0F) - i.value);
  }
};

}  // namespace recurra::RECURRA_TARGET_NAME
