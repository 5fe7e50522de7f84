/// The equations that the GRUs with the reset gate behind the product share. Each cell's page has its own.
#pragma once

#include "recurra/cells/gru/update_gate.h"

namespace recurra::RECURRA_TARGET_NAME {

///   u, r = sigmoid(gate),  o = tanh(W x + b + r * (U h + d)),  h' by UpdateGate
struct GruResetAfterBase : CellBase {
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

  template <int Phase, Lane V, class C, class A>
  RECURRA_INLINE static void step(StepIo<V, C, A>& io) {
    const V u = io.template activate<0>(io.gate[0], io.slot[1]);
    const V r = io.template activate<1>(io.gate[1], io.slot[2]);
    const V o = io.template activate<2>(fma(r, io.gate[2], io.slot[3]), io.slot[3]);
    io.slot[0] = io.gate[2];
    UpdateGate::mix(io, u, o);
  }

  template <int Phase, Lane V, class C, class A>
  RECURRA_INLINE static void step_backward(BackwardIo<V, C, A>& io) {
    const Activated<V> r = io.template kept<1>(io.slot[2]);
    const UpdateGradients<V> d =
        UpdateGate::mix_backward(io, io.template kept<0>(io.slot[1]), io.template kept<2>(io.slot[3]));
    io.slot[1] = d.u;
    io.slot[2] = d.o * io.slot[0] * r.slope;
    io.slot[0] = d.o * r.value;
    io.slot[3] = d.o;
  }

  template <Lane V, class C, class A>
  RECURRA_INLINE static void param_gradient(const BackwardIo<V, C, A>& io, V (&sum)[params + 1]) {
    sum[0] = sum[0] + io.slot[0];
  }
};

}  // namespace recurra::RECURRA_TARGET_NAME
