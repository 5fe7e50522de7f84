/// The gated recurrent unit with the reset gate behind the product. Equations, gate order and papers:
/// gru_reset_after.md.
#pragma once

#include "recurra/cells/cell.h"

namespace recurra::RECURRA_TARGET_NAME {

///   u, r = sigmoid(gate),  o = tanh(W x + b + r * (U h + d)),  h' = u * h + (1 - u) * o
struct GruResetAfter : CellBase {
  static constexpr const char* name = "gru_reset_after";
  static constexpr int gates = 3;   // u r o
  static constexpr int slots = 4;   // recurrent part of o, u, r, input part of o
  static constexpr int states = 1;  // h
  static constexpr int vectors = 1;
  static constexpr int params = 1;  // d
  static constexpr int separate = 1;
  static constexpr bool reads_h = true;
  static constexpr Window phase[] = {{0, 3}};
  static constexpr Window input = {1, 3};
  static constexpr int state_order[max_gates] = {2, 0, 1};
  static constexpr Activation activations[] = {own_sigmoid, own_sigmoid, own_tanh};

  template <int Phase, Lane V, class A>
  RECURRA_INLINE static void step(StepIo<V, GruResetAfter, A>& io) {
    const V u = io.template activate<0>(io.gate[0], io.slot[1]);
    const V r = io.template activate<1>(io.gate[1], io.slot[2]);
    const V o = io.template activate<2>(fma(r, io.gate[2], io.slot[3]), io.slot[3]);
    io.slot[0] = io.gate[2];
    io.state[0] = fma(u, io.state[0] - o, o);
  }

  template <int Phase, Lane V, class A>
  RECURRA_INLINE static void step_backward(BackwardIo<V, GruResetAfter, A>& io) {
    const Activated<V> u = io.template kept<0>(io.slot[1]);
    const Activated<V> r = io.template kept<1>(io.slot[2]);
    const Activated<V> o = io.template kept<2>(io.slot[3]);
    const V d_h = io.d_state[0];
    const V d_o = d_h * (V(1.0F) - u.value) * o.slope;
    io.slot[1] = d_h * (io.old_state[0] - o.value) * u.slope;
    io.slot[2] = d_o * io.slot[0] * r.slope;
    io.slot[0] = d_o * r.value;
    io.slot[3] = d_o;
    io.d_state[0] = d_h * u.value;
  }

  template <Lane V, class A>
  RECURRA_INLINE static void param_gradient(const BackwardIo<V, GruResetAfter, A>& io, V (&sum)[params + 1]) {
    sum[0] = sum[0] + io.slot[0];
  }
};

}  // namespace recurra::RECURRA_TARGET_NAME
