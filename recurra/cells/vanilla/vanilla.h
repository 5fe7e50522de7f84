/// The vanilla (Elman) recurrent cell. Equation and paper: vanilla.md.
#pragma once

#include "recurra/cells/cell.h"

namespace recurra::RECURRA_TARGET_NAME {

///   h' = tanh(gate)
struct Vanilla : CellBase {
  static constexpr const char* name = "vanilla";
  static constexpr int gates = 1;
  static constexpr int slots = 1;
  static constexpr int states = 1;   // h
  static constexpr int vectors = 4;  // one gate fills a tile's width with four vectors of units
  static constexpr Window phase[] = {{0, 1}};
  static constexpr Window input = {0, 1};
  static constexpr Activation activations[] = {own_tanh};

  template <int Phase, Lane V, class A>
  RECURRA_INLINE static void step(StepIo<V, Vanilla, A>& io) {
    io.state[0] = io.template activate<0>(io.gate[0], io.slot[0]);
  }

  template <int Phase, Lane V, class A>
  RECURRA_INLINE static void step_backward(BackwardIo<V, Vanilla, A>& io) {
    io.slot[0] = io.d_state[0] * io.template kept<0>(io.slot[0]).slope;
    io.d_state[0] = V::zero();
  }
};

}  // namespace recurra::RECURRA_TARGET_NAME
