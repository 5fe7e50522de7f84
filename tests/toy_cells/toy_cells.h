/// Cells of the unusual kinds, for the tests alone: they run through the engine so that a new cell adds a
/// folder and moves no wall. A product after the step needs no cell of its own: any cell may have a
/// projection.
#pragma once

#include "recurra/cells/cell.h"

namespace recurra::RECURRA_TARGET_NAME {

/// Two phases, the second product takes r * h:  u, r = sigmoid(gate),  o = tanh(W x + U (r h)),  h' = o + u
/// (h - o).
struct TwoPhases : CellBase {
  static constexpr const char* name = "two_phases";
  static constexpr int gates = 3, slots = 3, states = 1, vectors = 2, phases = 2;
  static constexpr unsigned carry = 0b011;
  static constexpr bool reads_h = true;
  static constexpr Window phase[] = {{0, 2}, {2, 1}};
  static constexpr Window input = {0, 3};

  template <int Phase, Lane V>
  RECURRA_INLINE static void step(StepIo<V, TwoPhases>& io) {
    if constexpr (Phase == 0) {
      io.slot[0] = sigmoid(io.gate[0]);
      io.slot[1] = sigmoid(io.gate[1]);
      io.operand = io.slot[1] * io.state[0];
    } else {
      io.slot[2] = tanh(io.gate[2]);
      io.state[0] = fma(io.slot[0], io.state[0] - io.slot[2], io.slot[2]);
    }
  }

  template <int Phase, Lane V>
  RECURRA_INLINE static void step_backward(BackwardIo<V, TwoPhases>& io) {
    const V one(1.0F);
    const V u = io.slot[0];
    const V r = io.slot[1];
    if constexpr (Phase == 1) {
      const V o = io.slot[2];
      const V d_h = io.d_state[0];
      io.slot[0] = d_h * (io.old_state[0] - o) * (u * (one - u));
      io.slot[2] = d_h * (one - u) * (one - o * o);
      io.d_state[0] = d_h * u;
    } else {
      io.slot[1] = io.d_operand * io.old_state[0] * (r * (one - r));
      io.d_state[0] = fma(io.d_operand, r, io.d_state[0]);
    }
  }
};

/// A gate whose two parts come apart, in an order of slots that is not the gates':
///   r = sigmoid(gate),  h' = tanh(W x + r * (U h + p)).
struct Apart : CellBase {
  static constexpr const char* name = "apart";
  static constexpr int gates = 2, slots = 3, states = 1, vectors = 1, params = 1, separate = 1;
  static constexpr Window phase[] = {{0, 2}};  // slots: recurrent part of the candidate, r, its input part
  static constexpr Window input = {1, 2};
  static constexpr int state_order[max_gates] = {1, 0};
  static constexpr int input_order[max_gates] = {0, 1};

  template <int Phase, Lane V>
  RECURRA_INLINE static void step(StepIo<V, Apart>& io) {
    const V r = sigmoid(io.gate[0]);
    io.slot[0] = io.gate[1];
    io.slot[1] = r;
    io.slot[2] = tanh(fma(r, io.gate[1], io.slot[2]));
    io.state[0] = io.slot[2];
  }

  template <int Phase, Lane V>
  RECURRA_INLINE static void step_backward(BackwardIo<V, Apart>& io) {
    const V one(1.0F);
    const V r = io.slot[1];
    const V d = io.d_state[0] * (one - io.slot[2] * io.slot[2]);
    io.slot[1] = d * io.slot[0] * (r * (one - r));
    io.slot[0] = d * r;
    io.slot[2] = d;
    io.d_state[0] = V::zero();
  }

  template <Lane V>
  RECURRA_INLINE static void param_gradient(const BackwardIo<V, Apart>& io, V (&sum)[2]) {
    sum[0] = sum[0] + io.slot[0];
  }
};

/// Diagonal: no product, the old output enters through a parameter:  h' = tanh(gate + p * h).
struct Diagonal : CellBase {
  static constexpr const char* name = "diagonal";
  static constexpr int gates = 1, slots = 1, states = 1, vectors = 4, params = 1;
  static constexpr bool dense = false;
  static constexpr bool reads_h = true;
  static constexpr Window phase[] = {{0, 1}};
  static constexpr Window input = {0, 1};

  template <int Phase, Lane V>
  RECURRA_INLINE static void step(StepIo<V, Diagonal>& io) {
    io.slot[0] = io.state[0] = tanh(fma(io.param[0], io.state[0], io.gate[0]));
  }

  template <int Phase, Lane V>
  RECURRA_INLINE static void step_backward(BackwardIo<V, Diagonal>& io) {
    io.slot[0] = io.d_state[0] * (V(1.0F) - io.slot[0] * io.slot[0]);
    io.d_state[0] = io.slot[0] * io.param[0];
  }

  template <Lane V>
  RECURRA_INLINE static void param_gradient(const BackwardIo<V, Diagonal>& io, V (&sum)[2]) {
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

  template <int Phase, Lane V>
  RECURRA_INLINE static void step(StepIo<V, Scan>& io) {
    io.slot[0] = sigmoid(io.gate[0]);
    io.slot[1] = io.gate[1];
    io.state[1] = fma(io.slot[0], io.state[1] - io.slot[1], io.slot[1]);
    io.state[0] = tanh(io.state[1]);
  }

  template <int Phase, Lane V>
  RECURRA_INLINE static void step_backward(BackwardIo<V, Scan>& io) {
    const V one(1.0F);
    const V f = io.slot[0];
    const V h = tanh(io.new_state[1]);
    const V d_c = fma(io.d_state[0], one - h * h, io.d_state[1]);
    io.slot[0] = d_c * (io.old_state[1] - io.slot[1]) * (f * (one - f));
    io.slot[1] = d_c * (one - f);
    io.d_state[0] = V::zero();
    io.d_state[1] = d_c * f;
  }
};

}  // namespace recurra::RECURRA_TARGET_NAME
