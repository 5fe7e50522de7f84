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
#pragma once

#include "recurra/cells/abi.h"
#include "recurra/simd/math.h"

namespace recurra::RECURRA_TARGET_NAME {

/// What most cells are: one phase, a dense product, no parameters, gates in canonical order.
struct CellBase {
  static constexpr int phases = 1;
  static constexpr int params = 0;
  static constexpr int separate = 0;
  static constexpr unsigned carry = 0;  // slots one phase leaves for a later one, also in inference
  static constexpr bool dense = true;
  static constexpr bool reads_h = false;
  static constexpr int state_order[max_gates] = {0, 1, 2, 3, 4, 5};
  static constexpr int input_order[max_gates] = {0, 1, 2, 3, 4, 5};
};

template <Lane V, class C>
struct StepIo {
  V gate[C::gates];
  V slot[C::slots];
  V state[C::states];
  V param[C::params + 1];
  V operand;
};

template <Lane V, class C>
struct BackwardIo {
  V slot[C::slots];
  V old_state[C::states];
  V new_state[C::states];
  V param[C::params + 1];
  V d_state[C::states];
  V d_operand;
};

}  // namespace recurra::RECURRA_TARGET_NAME
