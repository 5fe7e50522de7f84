/// The layer-normalised LSTM. Equations, gate order and paper: lstm_layer_norm.md.
#pragma once

#include "recurra/cells/normalised_cell.h"

namespace recurra::RECURRA_TARGET_NAME {

///   i, f, o = sigmoid(gate),  g = tanh(gate),  gate = LN(W x) + LN(U h) + b
///   c' = f * c + i * g,       h' = o * tanh(normal),  normal = LN(c')
struct LstmLayerNorm : CellBase {
  static constexpr const char* name = "lstm_layer_norm";
  static constexpr int gates = 4;   // i f g o
  static constexpr int slots = 8;   // W x of the gates, U h of the gates
  static constexpr int states = 2;  // h c
  static constexpr int vectors = 1;
  static constexpr int params = 10;  // gains of W x, gains of U h, gain and shift of c
  static constexpr bool normalised = true;
  static constexpr bool clips = true;
  static constexpr Window phase[] = {{4, 4}};
  static constexpr Window input = {0, 4};
  static constexpr Activation activations[] = {// of the gates, and of c on its way out
                                               own_sigmoid,
                                               own_sigmoid,
                                               own_tanh,
                                               own_sigmoid,
                                               own_tanh};

  template <int Part, Lane V, class A>
  RECURRA_INLINE static void step(NormalisedIo<V, LstmLayerNorm, A>& io) {
    if constexpr (Part == 0) {
      const V i = io.template activate<0>(io.gate[0]);
      const V f = io.template activate<1>(io.gate[1]);
      const V g = io.template activate<2>(io.gate[2]);
      io.state[1] = io.limit(fma(f, io.state[1], i * g));
      io.state[0] = io.template activate<3>(io.gate[3]);
    } else {
      io.state[0] = io.state[0] * io.template activate<4>(io.normal);
    }
  }

  template <int Part, Lane V, class A>
  RECURRA_INLINE static void step_backward(NormalisedBackwardIo<V, LstmLayerNorm, A>& io) {
    if constexpr (Part == 1) {
      const Activated<V> o = io.template at<3>(io.gate[3]);
      const Activated<V> out = io.template at<4>(io.normal);
      const V d_h = io.d_state[0];
      io.d_gate[3] = d_h * out.value * o.slope;
      io.d_normal = d_h * o.value * out.slope;
      io.d_state[0] = V::zero();
    } else {
      const Activated<V> i = io.template at<0>(io.gate[0]);
      const Activated<V> f = io.template at<1>(io.gate[1]);
      const Activated<V> g = io.template at<2>(io.gate[2]);
      const V d_c = io.limit_gradient(io.new_state[1], io.d_state[1]);
      io.d_gate[0] = d_c * g.value * i.slope;
      io.d_gate[1] = d_c * io.old_state[1] * f.slope;
      io.d_gate[2] = d_c * i.value * g.slope;
      io.d_state[1] = d_c * f.value;
    }
  }
};

}  // namespace recurra::RECURRA_TARGET_NAME
