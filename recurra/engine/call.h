/// One call of the engine, and how it is to be spread over threads.
#pragma once

#include "recurra/base/team.h"
#include "recurra/engine/stack.h"

namespace recurra {

/// The caller's memory of a forward call. Rows are independent: nothing of one reaches another.
struct Call {
  i64 steps = 0;    ///< of the longest row
  i64 batch = 0;    ///< rows
  ConstSequence x;  ///< (steps, batch, input)
  Sequence y;       ///< (steps, batch, width); steps past a row's length become 0. Null: not wanted
  const int* lengths = nullptr;  ///< (batch), each 0 to steps; null: all have `steps`
  /// Per state a contiguous (batch, width or units): before the first step (null: zeros), and after each
  /// row's last (null: not wanted). State 0 is the output. The two may be the same memory.
  const float* initial[max_states] = {};
  float* final[max_states] = {};  ///< see `initial`
};

/// The caller's memory of the way back. All but x of the call must be as forward left it.
struct BackwardCall {
  ConstSequence dy;                       ///< (steps, batch, width); null: zero
  const float* d_final[max_states] = {};  ///< gradients of the final states; null: zero
  Sequence dx;  ///< (steps, batch, input); steps past the length become 0. Null: not wanted
  float* d_initial[max_states] = {};  ///< gradients of the initial states; null: not wanted
  WeightGradients d_weights;          ///< null members: not wanted
  bool accumulate = false;            ///< add to d_weights instead of overwriting
};

/// How the work of a step is split.
enum class Schedule {
  automatic,
  rows,   ///< each thread has rows of its own for the whole call; no waiting
  units,  ///< each thread has units of its own and waits for the others' once a phase
};

/// Where and how a call runs. The bits of its results do not depend on it.
struct Execution {
  Team* team = nullptr;  ///< null: the process's
  /// At most this many, 1 to 64; 0: all of `team`, or without one threads(). Else Error (invalid_argument).
  int threads = 0;
  Schedule schedule = Schedule::automatic;  ///< how threads share the work
  i64 chunk = 0;                            ///< steps of input products made at once; 0: chosen
};

/// What a call did.
struct Report {
  const char* target = "";                  ///< written by the kernels that ran
  int threads = 0;                          ///< that ran
  Schedule schedule = Schedule::automatic;  ///< that was chosen
  i64 work[64] = {};                        ///< per thread, rows times panels of recurrent products and steps
};

}  // namespace recurra
