/// The interface of a cell whose gates are layer-normalised, so that its units depend on each other through
/// their row.
///
/// Such a cell derives from CellBase, sets `normalised` and has one product. The engine's side makes
///
///   gate[g] = gain_x[g] * N(W x) + gain_h[g] * N(U h) + b[g],   N over all gates of the row
///
/// and calls `step` twice. `step<0>` makes the new states from the gates and the old ones, and leaves in
/// `state[0]` what `step<1>` wants of the gates; that makes h of it and of `normal`, the gain times the
/// normalised last state plus the shift. On the way back `step_backward<1>` turns `d_state[0]`, the gradient
/// of h, into those of `normal` and of the gates it came through, `step_backward<0>` those of the states into
/// those of the other gates; what else they leave in `d_state` is the direct part for the old states.
///
/// `params`: gains of W x, gate by gate, gains of U h, gain and shift of the state. `input` and the phase's
/// window are the slots of W x and of U h, gates in canonical order.
#pragma once

#include "recurra/cells/cell.h"

namespace recurra::RECURRA_TARGET_NAME {

template <Lane V, class C, class A>
struct NormalisedIo : ActivationIo<V, A> {
  using ActivationIo<V, A>::ActivationIo;
  V gate[C::gates];
  V state[C::states];
  V normal;
};

template <Lane V, class C, class A>
struct NormalisedBackwardIo : ActivationIo<V, A> {
  using ActivationIo<V, A>::ActivationIo;
  V gate[C::gates];
  V old_state[C::states];
  V new_state[C::states];
  V normal;
  V d_state[C::states];
  V d_gate[C::gates];
  V d_normal;
};

}  // namespace recurra::RECURRA_TARGET_NAME
