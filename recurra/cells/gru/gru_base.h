/// The equations that the GRUs with the reset gate before the product share. Each cell's page has its own.
#pragma once

#include "recurra/cells/gru/update_gate.h"

namespace recurra::RECURRA_TARGET_NAME {

///   u, r = sigmoid(gate),  o = tanh(W x + b + U (r * h)),  h' by UpdateGate
struct GruBase : CellBase {
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

  template <int Phase, Lane V, class C, class A>
  RECURRA_INLINE static void step(StepIo<V, C, A>& io) {
    if constexpr (Phase == 0) {
      io.template activate<0>(io.gate[0], io.slot[0]);
      io.operand = io.template activate<1>(io.gate[1], io.slot[1]) * io.state[0];
    } else {
      const V u = io.template kept<0>(io.slot[0]).value;
      UpdateGate::mix(io, u, io.template activate<2>(io.gate[2], io.slot[2]));
    }
  }

  template <int Phase, Lane V, class C, class A>
  RECURRA_INLINE static void step_backward(BackwardIo<V, C, A>& io) {
    if constexpr (Phase == 1) {
      const UpdateGradients<V> d =
          UpdateGate::mix_backward(io, io.template kept<0>(io.slot[0]), io.template kept<2>(io.slot[2]));
      io.slot[0] = d.u;
      io.slot[2] = d.o;
    } else {
      const Activated<V> r = io.template kept<1>(io.slot[1]);
      io.slot[1] = io.d_operand * io.old_state[0] * r.slope;
      io.d_state[0] = fma(io.d_operand, r.value, io.d_state[0]);
    }
  }
};

}  // namespace recurra::RECURRA_TARGET_NAME
