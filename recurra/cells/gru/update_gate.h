/// The last equation of every GRU, forward and backward.
#pragma once

#include "recurra/cells/cell.h"

namespace recurra::RECURRA_TARGET_NAME {

/// Gradients of the arguments of u and o.
template <Lane V>
struct UpdateGradients {
  V u;
  V o;
};

///   h' = v * h + (1 - v) * o,  v = u, or with attention a:  v = (1 - a) * u
struct UpdateGate {
  template <class Io, Lane V>
  RECURRA_INLINE static void mix(Io& io, V u, V o) {
    io.state[0] = fma(attended(io, u), io.state[0] - o, o);
  }

  /// Leaves the direct part of h's gradient, and the attention's.
  template <class Io, Lane V>
  RECURRA_INLINE static UpdateGradients<V> mix_backward(Io& io, Activated<V> u, Activated<V> o) {
    const V d_h = io.d_state[0];
    const V v = attended(io, u.value);
    const V d_v = d_h * (io.old_state[0] - o.value);
    if constexpr (Io::Cell::attention) io.d_row = V::zero() - d_v * u.value;
    io.d_state[0] = d_h * v;
    return {attended(io, d_v) * u.slope, d_h * (V(1.0F) - v) * o.slope};
  }

 private:
  template <class Io, Lane V>
  RECURRA_INLINE static V attended(const Io& io, V u) {
    if constexpr (Io::Cell::attention) return (V(1.0F) - io.row) * u;
    return u;
  }
};

}  // namespace recurra::RECURRA_TARGET_NAME
