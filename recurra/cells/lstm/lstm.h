/// Long short-term memory. Equations, gate order and papers: lstm.md.
#pragma once

#include "recurra/cells/cell.h"

namespace recurra::RECURRA_TARGET_NAME {

///   i, f, o = sigmoid(gate),  g = tanh(gate)
///   c' = f * c + i * g,       h' = o * tanh(c')
struct Lstm : CellBase {
  static constexpr const char* name = "lstm";
  static constexpr int gates = 4;  // i f g o
  static constexpr int slots = 4;
  static constexpr int states = 2;  // h c
  static constexpr int vectors = 1;
  static constexpr Window phase[] = {{0, 4}};
  static constexpr Window input = {0, 4};

  template <int Phase, Lane V>
  RECURRA_INLINE static void step(StepIo<V, Lstm>& io) {
    const V i = sigmoid(io.gate[0]);
    const V f = sigmoid(io.gate[1]);
    const V g = tanh(io.gate[2]);
    const V o = sigmoid(io.gate[3]);
    io.state[1] = fma(f, io.state[1], i * g);
    io.state[0] = o * tanh(io.state[1]);
    io.slot[0] = i;
    io.slot[1] = f;
    io.slot[2] = g;
    io.slot[3] = o;
  }

  template <int Phase, Lane V>
  RECURRA_INLINE static void step_backward(BackwardIo<V, Lstm>& io) {
    const V i = io.slot[0];
    const V f = io.slot[1];
    const V g = io.slot[2];
    const V o = io.slot[3];
    const V one(1.0F);
    const V tanh_c = tanh(io.new_state[1]);
    const V d_h = io.d_state[0];
    const V d_c = fma(d_h * o, one - tanh_c * tanh_c, io.d_state[1]);
    io.slot[0] = d_c * g * (i * (one - i));
    io.slot[1] = d_c * io.old_state[1] * (f * (one - f));
    io.slot[2] = d_c * i * (one - g * g);
    io.slot[3] = d_h * tanh_c * (o * (one - o));
    io.d_state[0] = V::zero();
    io.d_state[1] = d_c * f;
  }
};

}  // namespace recurra::RECURRA_TARGET_NAME
