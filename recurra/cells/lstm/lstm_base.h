/// The equations that the LSTMs of four gates share. Each cell's page has its own.
#pragma once

#include "recurra/cells/cell.h"

namespace recurra::RECURRA_TARGET_NAME {

///   i, f, o = sigmoid(gate),  g = tanh(gate)
///   c' = f * c + i * g,       h' = o * tanh(c')
///
/// A cell with parameters adds its peepholes to the arguments of i, f and o; one with more states than h and
/// c hands out i, f, g and o in these. Without, either compiles to nothing.
struct LstmBase : CellBase {
  static constexpr int gates = 4;  // i f g o
  static constexpr int slots = 4;
  static constexpr int states = 2;  // h c
  static constexpr int vectors = 1;
  static constexpr bool clips = true;
  static constexpr Window phase[] = {{0, 4}};
  static constexpr Window input = {0, 4};
  static constexpr Activation activations[] = {// of the gates, and of c on its way out
                                               own_sigmoid,
                                               own_sigmoid,
                                               own_tanh,
                                               own_sigmoid,
                                               own_tanh};

  template <int Phase, Lane V, class C, class A>
  RECURRA_INLINE static void step(StepIo<V, C, A>& io) {
    const V i = io.template activate<0>(seeing<0>(io, io.state[1], io.gate[0]), io.slot[0]);
    const V f = io.template activate<1>(seeing<1>(io, io.state[1], io.gate[1]), io.slot[1]);
    const V g = io.template activate<2>(io.gate[2], io.slot[2]);
    io.state[1] = io.limit(fma(f, io.state[1], i * g));
    const V o = io.template activate<3>(seeing<2>(io, io.state[1], io.gate[3]), io.slot[3]);
    io.state[0] = o * io.template activate<4>(io.state[1]);
    if constexpr (C::states > 2) {
      io.state[2] = i;
      io.state[3] = f;
      io.state[4] = g;
      io.state[5] = o;
    }
  }

  template <int Phase, Lane V, class C, class A>
  RECURRA_INLINE static void step_backward(BackwardIo<V, C, A>& io) {
    const Activated<V> i = io.template kept<0>(io.slot[0]);
    const Activated<V> f = io.template kept<1>(io.slot[1]);
    const Activated<V> g = io.template kept<2>(io.slot[2]);
    const Activated<V> o = io.template kept<3>(io.slot[3]);
    const Activated<V> out = io.template at<4>(io.new_state[1]);
    const V d_h = io.d_state[0];
    io.slot[3] = from_outside<5>(io, d_h * out.value) * o.slope;
    const V d_limited = seeing<2>(io, io.slot[3], fma(d_h * o.value, out.slope, io.d_state[1]));
    const V d_c = io.limit_gradient(io.new_state[1], d_limited);
    io.slot[0] = from_outside<2>(io, d_c * g.value) * i.slope;
    io.slot[1] = from_outside<3>(io, d_c * io.old_state[1]) * f.slope;
    io.slot[2] = from_outside<4>(io, d_c * i.value) * g.slope;
    io.d_state[0] = V::zero();
    io.d_state[1] = seeing<0>(io, io.slot[0], seeing<1>(io, io.slot[1], d_c * f.value));
    RECURRA_UNROLL
    for (int k = 2; k < C::states; ++k) io.d_state[k] = V::zero();
  }

 protected:
  template <class Io, Lane V>
  RECURRA_INLINE static void add_peephole_gradients(const Io& io, V (&sum)[Io::Cell::params + 1]) {
    sum[0] = fma(io.slot[0], io.old_state[1], sum[0]);
    sum[1] = fma(io.slot[1], io.old_state[1], sum[1]);
    sum[2] = fma(io.slot[3], io.new_state[1], sum[2]);
  }

 private:
  /// A gate's gradient with what comes from outside to the state that hands it out.
  template <int K, class Io, Lane V>
  RECURRA_INLINE static V from_outside(const Io& io, V d) {
    if constexpr (Io::Cell::states > 2) return d + io.d_state[K];
    return d;
  }

  /// sum + peephole K times x.
  template <int K, class Io, Lane V>
  RECURRA_INLINE static V seeing(const Io& io, V x, V sum) {
    if constexpr (Io::Cell::params > 0) return fma(io.param[K], x, sum);
    return sum;
  }
};

}  // namespace recurra::RECURRA_TARGET_NAME
