/// The independently recurrent network. Equation and paper: indrnn.md.
#pragma once

#include "recurra/cells/cell.h"

namespace recurra::RECURRA_TARGET_NAME {

///   h' = relu(gate + u * h)
struct Indrnn : CellBase {
  static constexpr const char* name = "indrnn";
  static constexpr int gates = 1;
  static constexpr int slots = 1;
  static constexpr int states = 1;   // h
  static constexpr int vectors = 4;  // one gate fills a tile's width with four vectors of units
  static constexpr int params = 1;   // u
  static constexpr bool dense = false;
  static constexpr bool reads_h = true;
  static constexpr Window phase[] = {{0, 1}};
  static constexpr Window input = {0, 1};
  static constexpr Activation activations[] = {{ActivationKind::relu}};

  template <int Phase, Lane V, class A>
  RECURRA_INLINE static void step(StepIo<V, Indrnn, A>& io) {
    io.state[0] = io.template activate<0>(fma(io.param[0], io.state[0], io.gate[0]), io.slot[0]);
  }

  template <int Phase, Lane V, class A>
  RECURRA_INLINE static void step_backward(BackwardIo<V, Indrnn, A>& io) {
    io.slot[0] = io.d_state[0] * io.template kept<0>(io.slot[0]).slope;
    io.d_state[0] = io.slot[0] * io.param[0];
  }

  template <Lane V, class A>
  RECURRA_INLINE static void param_gradient(const BackwardIo<V, Indrnn, A>& io, V (&sum)[params + 1]) {
    sum[0] = fma(io.slot[0], io.old_state[0], sum[0]);
  }
};

}  // namespace recurra::RECURRA_TARGET_NAME
