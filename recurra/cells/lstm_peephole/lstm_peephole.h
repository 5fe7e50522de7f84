/// Long short-term memory whose gates see the cell state. Equations, gate order and paper: lstm_peephole.md.
#pragma once

#include "recurra/cells/lstm/lstm_base.h"

namespace recurra::RECURRA_TARGET_NAME {

///   i, f = sigmoid(gate + p * c),  o = sigmoid(gate + p * c'),  the rest as in LstmBase
struct LstmPeephole : LstmBase {
  static constexpr const char* name = "lstm_peephole";
  static constexpr int params = 3;  // of i, f, o

  template <Lane V, class A>
  RECURRA_INLINE static void param_gradient(const BackwardIo<V, LstmPeephole, A>& io, V (&sum)[params + 1]) {
    add_peephole_gradients(io, sum);
  }
};

}  // namespace recurra::RECURRA_TARGET_NAME
