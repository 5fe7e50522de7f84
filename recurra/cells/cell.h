/// The interface of a cell: the pointwise function between two matrix products, over any lane.
///
/// A cell is a struct derived from CellBase with its numbers, `step` and `step_backward`. `gate[g]` is
/// W x + b + U h of canonical gate g; for a `separate` gate U h + parameter alone, the input part lying in a
/// slot of its own. `slot[k]` holds in `step` what memory has (an input part, or what an earlier phase left)
/// and afterwards what the way back wants. `state[0]` is h, the others are elementwise: old in, new out.
/// `operand` is what a phase hands to the next phase's product.
///
/// In `step_backward`, `slot` comes as `step` left it and leaves as the gradient before the activation, in
/// the windows of both products. `d_state` comes as the gradient of the new states, all of it, and leaves as
/// the direct part of that of the old ones; the engine adds what goes through the product. `d_operand` is the
/// gradient of what `step` put in `operand`. Phases run last to first.
///
/// With `attention`, `row` is the call's number of the step and row in every lane; the last phase's
/// `step_backward` leaves each unit's part of its gradient in `d_row`.
///
/// Activations: a cell names its own in `activations` and reaches for them by their place: `io.activate<0>(x,
/// io.slot[0])` gives the value and leaves in the slot what the way back needs, `io.kept<0>(io.slot[0])`
/// gives value and slope from that, `io.at<4>(x)` from an argument. So one `step` serves the cell's own
/// activations, known when it is compiled, and any others.
///
/// A cell that `clips` passes its new elementwise state through `io.limit(c)` before it is used, and that
/// state's gradient through `io.limit_gradient(c, d)`.
#pragma once

#include "recurra/cells/abi.h"
#include "recurra/simd/activations.h"

namespace recurra::RECURRA_TARGET_NAME {

inline constexpr Activation own_tanh{ActivationKind::tanh, 0.0F, 0.0F};
inline constexpr Activation own_sigmoid{ActivationKind::sigmoid, 0.0F, 0.0F};

/// What most cells are: one phase, a dense product, no parameters, gates in canonical order.
struct CellBase {
  static constexpr int phases = 1;
  static constexpr int params = 0;
  static constexpr int separate = 0;
  static constexpr unsigned carry = 0;  // slots one phase leaves for a later one, also in inference
  static constexpr bool dense = true;
  static constexpr bool reads_h = false;
  static constexpr bool attention = false;
  static constexpr bool normalised = false;  // normalised_cell.h
  static constexpr bool clips = false;
  static constexpr int state_order[max_gates] = {0, 1, 2, 3, 4, 5};
  static constexpr int input_order[max_gates] = {0, 1, 2, 3, 4, 5};
};

/// A value of an activation and its slope there.
template <Lane V>
struct Activated {
  V value;
  V slope;
};

/// The cell's own activations: what is not used falls away when it is compiled.
template <class C>
struct OwnActivations {
  RECURRA_INLINE explicit OwnActivations(const StepArgs&) {}

  template <int K, Lane V>
  RECURRA_INLINE static V value(V x) {
    return activate(C::activations[K], x);
  }

  template <int K, Lane V>
  RECURRA_INLINE static V slope_at(V x, V y) {
    return slope(C::activations[K], x, y);
  }

  template <int K>
  RECURRA_INLINE static constexpr Activation get() {
    return C::activations[K];
  }

  template <Lane V>
  RECURRA_INLINE static V limit(V c) {
    return c;
  }

  template <Lane V>
  RECURRA_INLINE static V limit_gradient(V, V d) {
    return d;
  }
};

/// The switches over activations stand once a target, not once for every place of every cell: a call costs a
/// few cycles a vector, the copies cost minutes of compiling.
template <Lane V>
[[gnu::noinline]] V activate_chosen(const Activation& activation, V x) {
  return activate(activation, x);
}

template <Lane V>
[[gnu::noinline]] V slope_chosen(const Activation& activation, V x, V y) {
  return slope(activation, x, y);
}

/// Activations chosen at run time, and the clip.
template <class C>
struct ChosenActivations {
  const Activation* chosen;
  float clip;

  RECURRA_INLINE explicit ChosenActivations(const StepArgs& s) : chosen(s.activations), clip(s.clip) {}

  template <int K, Lane V>
  RECURRA_INLINE V value(V x) const {
    return activate_chosen(chosen[K], x);
  }

  template <int K, Lane V>
  RECURRA_INLINE V slope_at(V x, V y) const {
    return slope_chosen(chosen[K], x, y);
  }

  template <int K>
  RECURRA_INLINE const Activation& get() const {
    return chosen[K];
  }

  /// c between -clip and clip; NaN stays.
  template <Lane V>
  RECURRA_INLINE V limit(V c) const {
    return clip > 0 ? max(V(-clip), min(V(clip), c)) : c;
  }

  /// The gradient of what became c behind the limit: 0 where that holds, NaN where c is.
  template <Lane V>
  RECURRA_INLINE V limit_gradient(V c, V d) const {
    return clip > 0 ? where_less(abs(c), V(clip), d, V::zero() * c) : d;
  }
};

/// What both ways have: activations by place.
template <Lane V, class A>
struct ActivationIo {
  A activations;

  RECURRA_INLINE explicit ActivationIo(const StepArgs& s) : activations(s) {}

  template <int K>
  RECURRA_INLINE V activate(V x) const {
    return activations.template value<K>(x);
  }

  template <int K>
  RECURRA_INLINE V activate(V x, V& kept) const {
    const V y = activate<K>(x);
    kept = keeps_argument(activations.template get<K>().kind) ? x : y;
    return y;
  }

  template <int K>
  RECURRA_INLINE Activated<V> kept(V kept) const {
    const V y = keeps_argument(activations.template get<K>().kind) ? activate<K>(kept) : kept;
    return {y, activations.template slope_at<K>(kept, y)};
  }

  template <int K>
  RECURRA_INLINE Activated<V> at(V x) const {
    const V y = activate<K>(x);
    return {y, activations.template slope_at<K>(x, y)};
  }

  RECURRA_INLINE V limit(V c) const { return activations.limit(c); }

  RECURRA_INLINE V limit_gradient(V c, V d) const { return activations.limit_gradient(c, d); }
};

template <Lane V, class C, class A>
struct StepIo : ActivationIo<V, A> {
  using Cell = C;
  using ActivationIo<V, A>::ActivationIo;
  V gate[C::gates];
  V slot[C::slots];
  V state[C::states];
  V param[C::params + 1];
  V operand;
  V row;
};

template <Lane V, class C, class A>
struct BackwardIo : ActivationIo<V, A> {
  using Cell = C;
  using ActivationIo<V, A>::ActivationIo;
  V slot[C::slots];
  V old_state[C::states];
  V new_state[C::states];
  V param[C::params + 1];
  V d_state[C::states];
  V d_operand;
  V row;
  V d_row;
};

}  // namespace recurra::RECURRA_TARGET_NAME
