/// A cell of an unusual kind, for the tests alone: it runs through the engine so that a new cell adds a
/// folder and moves no wall.
#pragma once

#include "recurra/cells/cell.h"

namespace recurra::RECURRA_TARGET_NAME {

/// Diagonal: no product, the old output enters through a parameter:  h' = tanh(gate + p * h).
struct Diagonal : CellBase {
  static constexpr const char* name = "diagonal";
  static constexpr int gates = 1, slots = 1, states = 1, vectors = 4, params = 1;
  static constexpr bool dense = false;
  static constexpr bool reads_h = true;
  static constexpr Window phase[] = {{0, 1}};
  static constexpr Window input = {0, 1};
  static constexpr Activation activations[] = {own_tanh};

  template <int Phase, Lane V, class A>
  RECURRA_INLINE static void step(StepIo<V, Diagonal, A>& io) {
    io.state[0] = io.template activate<0>(fma(io.param[0], io.state[0], io.gate[0]), io.slot[0]);
  }

  template <int Phase, Lane V, class A>
  RECURRA_INLINE static void step_backward(BackwardIo<V, Diagonal, A>& io) {
    io.slot[0] = io.d_state[0] * io.template kept<0>(io.slot[0]).slope;
    io.d_state[0] = io.slot[0] * io.param[0];
  }

  template <Lane V, class A>
  RECURRA_INLINE static void param_gradient(const BackwardIo<V, Diagonal, A>& io, V (&sum)[2]) {
    sum[0] = fma(io.slot[0], io.old_state[0], sum[0]);
  }
};

}  // namespace recurra::RECURRA_TARGET_NAME
