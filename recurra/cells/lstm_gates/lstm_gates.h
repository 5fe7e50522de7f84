/// Long short-term memory that hands out its gates. Equations, gate order and paper: lstm_gates.md.
#pragma once

#include "recurra/cells/lstm/lstm_base.h"

namespace recurra::RECURRA_TARGET_NAME {

///   as LstmPeephole, and i, f, g, o are states 2 to 5, which no step reads
struct LstmGates : LstmBase {
  static constexpr const char* name = "lstm_gates";
  static constexpr int states = 6;  // h c i f g o
  static constexpr int params = 3;  // of i, f, o

  template <Lane V, class A>
  RECURRA_INLINE static void param_gradient(const BackwardIo<V, LstmGates, A>& io, V (&sum)[params + 1]) {
    add_peephole_gradients(io, sum);
  }
};

}  // namespace recurra::RECURRA_TARGET_NAME
