/// The gated recurrent unit, reset before the product, that hands out its gates. Equations, gate order and
/// paper: gru_gates.md.
#pragma once

#include "recurra/cells/gru/gru_base.h"

namespace recurra::RECURRA_TARGET_NAME {

///   as Gru, and u, r, o are states 1 to 3, which no step reads
struct GruGates : GruBase {
  static constexpr const char* name = "gru_gates";
  static constexpr int slots = 4;   // on the way back the last has r's gradient from outside until its phase
  static constexpr int states = 4;  // h u r o
  static constexpr unsigned carry = 0b011;

  template <int Phase, Lane V, class A>
  RECURRA_INLINE static void step(StepIo<V, GruGates, A>& io) {
    GruBase::template step<Phase>(io);
    if constexpr (Phase == 1) {
      io.state[1] = io.template kept<0>(io.slot[0]).value;
      io.state[2] = io.template kept<1>(io.slot[1]).value;
      io.state[3] = io.template kept<2>(io.slot[2]).value;
      io.slot[3] = V::zero();
    }
  }

  template <int Phase, Lane V, class A>
  RECURRA_INLINE static void step_backward(BackwardIo<V, GruGates, A>& io) {
    if constexpr (Phase == 1) {
      const V u_slope = io.template kept<0>(io.slot[0]).slope;
      const V o_slope = io.template kept<2>(io.slot[2]).slope;
      GruBase::template step_backward<Phase>(io);
      io.slot[0] = fma(io.d_state[1], u_slope, io.slot[0]);
      io.slot[2] = fma(io.d_state[3], o_slope, io.slot[2]);
      io.slot[3] = io.d_state[2];
      io.d_state[1] = io.d_state[2] = io.d_state[3] = V::zero();
    } else {
      const V r_slope = io.template kept<1>(io.slot[1]).slope;
      GruBase::template step_backward<Phase>(io);
      io.slot[1] = fma(io.slot[3], r_slope, io.slot[1]);
    }
  }
};

}  // namespace recurra::RECURRA_TARGET_NAME
