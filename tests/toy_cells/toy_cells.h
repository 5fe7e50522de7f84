/// Cells of the unusual kinds, for the tests alone: they run through the engine so that a new cell adds a
/// folder and moves no wall. A product after the step needs no cell of its own: any cell may have a
/// projection.
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

/// A scan: no product, the output does not come back:  f = sigmoid(gate),  c' = f c + (1 - f) z,  h' =
/// tanh(c').
struct Scan : CellBase {
  static constexpr const char* name = "scan";
  static constexpr int gates = 2, slots = 2, states = 2, vectors = 1;
  static constexpr bool dense = false;
  static constexpr Window phase[] = {{0, 2}};
  static constexpr Window input = {0, 2};
  static constexpr Activation activations[] = {own_sigmoid, own_tanh};

  template <int Phase, Lane V, class A>
  RECURRA_INLINE static void step(StepIo<V, Scan, A>& io) {
    const V f = io.template activate<0>(io.gate[0], io.slot[0]);
    io.slot[1] = io.gate[1];
    io.state[1] = fma(f, io.state[1] - io.slot[1], io.slot[1]);
    io.state[0] = io.template activate<1>(io.state[1]);
  }

  template <int Phase, Lane V, class A>
  RECURRA_INLINE static void step_backward(BackwardIo<V, Scan, A>& io) {
    const Activated<V> f = io.template kept<0>(io.slot[0]);
    const V d_c = fma(io.d_state[0], io.template at<1>(io.new_state[1]).slope, io.d_state[1]);
    io.slot[0] = d_c * (io.old_state[1] - io.slot[1]) * f.slope;
    io.slot[1] = d_c * (V(1.0F) - f.value);
    io.d_state[0] = V::zero();
    io.d_state[1] = d_c * f.value;
  }
};

}  // namespace recurra::RECURRA_TARGET_NAME
