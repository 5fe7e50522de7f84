/// The gated recurrent unit with the reset gate before the product. Equations, gate order and paper: gru.md.
#pragma once

#include "recurra/cells/cell.h"

namespace recurra::RECURRA_TARGET_NAME {

///   u, r = sigmoid(gate),  o = tanh(W x + b + U (r * h)),  h' = u * h + (1 - u) * o
struct Gru : CellBase {
  static constexpr const char* name = "gru";
  static constexpr int gates = 3;  // u r o
  static constexpr int slots = 3;
  static constexpr int states = 1;   // h
  static constexpr int vectors = 2;  // the second product has one gate: two vectors fill its tile better
  static constexpr int phases = 2;
  static constexpr unsigned carry = 0b001;
  static constexpr bool reads_h = true;
  static constexpr Window phase[] = {{0, 2}, {2, 1}};
  static constexpr Window input = {0, 3};
  static constexpr Activation activations[] = {own_sigmoid, own_sigmoid, own_tanh};

  template <int Phase, Lane V, class A>
  RECURRA_INLINE static void step(StepIo<V, Gru, A>& io) {
    if constexpr (Phase == 0) {
      io.template activate<0>(io.gate[0], io.slot[0]);
      io.operand = io.template activate<1>(io.gate[1], io.slot[1]) * io.state[0];
    } else {
      const V u = io.template kept<0>(io.slot[0]).value;
      const V o = io.template activate<2>(io.gate[2], io.slot[2]);
      io.state[0] = fma(u, io.state[0] - o, o);
    }
  }

  template <int Phase, Lane V, class A>
  RECURRA_INLINE static void step_backward(BackwardIo<V, Gru, A>& io) {
    if constexpr (Phase == 1) {
      const Activated<V> u = io.template kept<0>(io.slot[0]);
      const Activated<V> o = io.template kept<2>(io.slot[2]);
      const V d_h = io.d_state[0];
      io.slot[0] = d_h * (io.old_state[0] - o.value) * u.slope;
      io.slot[2] = d_h * (V(1.0F) - u.value) * o.slope;
      io.d_state[0] = d_h * u.value;
    } else {
      const Activated<V> r = io.template kept<1>(io.slot[1]);
      io.slot[1] = io.d_operand * io.old_state[0] * r.slope;
      io.d_state[0] = fma(io.d_operand, r.value, io.d_state[0]);
    }
  }
};

}  // namespace recurra::RECURRA_TARGET_NAME
