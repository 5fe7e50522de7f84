/// One call of the engine, and how it is to be spread over threads.
#pragma once

#include "recurra/base/team.h"
#include "recurra/engine/recurrence.h"

namespace recurra {

/// What stands in y for a step that does not count.
enum class Fill {
  zeros,
  repeat,  ///< the output before it in the order of processing, 0 where there is none: Keras's meaning
};

/// The caller's memory of a forward call. Rows are independent: nothing of one reaches another. What is
/// written, y, states and final, must lie over nothing else here, but for final over initial: inputs are read
/// again after outputs of other steps and rows have been written, and on the way back. This is not checked.
struct Call {
  i64 steps = 0;    ///< of the longest row
  i64 batch = 0;    ///< rows
  ConstSequence x;  ///< (steps, batch, input)
  Sequence y;       ///< (steps, batch, width). Null: not wanted
  /// Which steps count; one that does not leaves all states as they are. At most one of the two.
  const int* lengths = nullptr;         ///< (batch), each 0 to steps; null: all have `steps`
  const unsigned char* mask = nullptr;  ///< (batch, steps), 0 where a step does not count; null: all count
  Fill fill = Fill::zeros;
  /// Dropout: factors that are the same at all steps; null: none. Of the input, (batch, input); of the
  /// recurrent operand, (batch, units): of what goes into a product, not of the states. The second excludes a
  /// projection.
  const float* x_dropout = nullptr;
  const float* h_dropout = nullptr;
  /// (steps, batch): for cells that take one number a step and row, and only for those.
  ConstSequence attention;
  /// [k] for k >= 1: (steps, batch, units), state k after every step, filled as y. Null: not wanted.
  Sequence states[max_states];
  /// Zoneout (Krueger et al., "Zoneout: regularizing RNNs by randomly preserving hidden activations", 2016):
  /// per state (steps, batch, units), the share z of the old state in the new, z * old + (1 - z) * new: in
  /// training zeros and ones, in inference their mean, for which both strides may be 0 or either one. h
  /// before its zoneout is made of c before its. Null: none. That of state 0 excludes a projection.
  ConstSequence zoneout[max_states];
  /// Per state a contiguous (batch, width or units): before the first step (null: zeros), and after each
  /// row's last (null: not wanted). State 0 is the output. The two may be the same memory.
  const float* initial[max_states] = {};
  float* final[max_states] = {};  ///< see `initial`
};

/// The caller's memory of the way back. The call's must be as forward left it: x, y, mask, dropout, attention
/// and zoneout are read.
struct BackwardCall {
  ConstSequence dy;                       ///< (steps, batch, width); null: zero
  ConstSequence d_states[max_states];     ///< gradients of Call::states, which need not be taken; null: zero
  const float* d_final[max_states] = {};  ///< gradients of the final states; null: zero
  Sequence dx;           ///< (steps, batch, input); 0 where a step does not count. Null: not wanted
  Sequence d_attention;  ///< (steps, batch); 0 where a step does not count. Null: not wanted
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

/// How the two directions of a stack's layer run.
enum class Directions {
  automatic,
  together,  ///< at once, each on half of the threads
  in_turn,   ///< one after the other, each on all threads
};

/// How the layers of a stack of one direction run.
enum class Layers {
  automatic,
  in_turn,    ///< one after the other, each on all threads
  wavefront,  ///< at once: a layer has a chunk of steps while the one below has the next
};

/// Where and how a call runs. The bits of its results do not depend on it.
struct Execution {
  Team* team = nullptr;  ///< null: the process's
  /// At most this many, 1 to 64; 0: all of `team`, or without one threads(). Else Error (invalid_argument).
  int threads = 0;
  Schedule schedule = Schedule::automatic;  ///< how threads share the work
  i64 chunk = 0;  ///< steps of input products made at once; 0: chosen. Below 0: Error (invalid_argument)
  Directions directions = Directions::automatic;  ///< how the two directions of a layer run
  /// How the layers of a stack run. A wavefront needs two layers, one direction, and that a layer has the
  /// outputs, or gradients, of steps before the layer beside it has ended: where that cannot be, they run in
  /// turn. StackWorkspace says where.
  Layers layers = Layers::automatic;
  /// Steps of a chunk of a wavefront, as far as there is room for, and on the way back rounded up to whole
  /// chunks of its own; 0: chosen. Below 0: Error (invalid_argument).
  i64 wave = 0;
};

/// What a call did.
struct Report {
  const char* target = "";                      ///< written by the kernels that ran
  int threads = 0;                              ///< that ran; of a stack that went in chunks, the most
  Schedule schedule = Schedule::automatic;      ///< that these were given
  Directions directions = Directions::in_turn;  ///< of a layer of both directions: that it ran in
  int layers_at_once = 1;                       ///< of a stack: more than one in a wavefront
  i64 work[64] = {};            ///< per thread, rows times panels of recurrent products and steps
  i64 steps = 0;                ///< rows times steps that count: all of them go through the target's kernels
  bool own_activations = true;  ///< those of the cell, compiled into it; else those chosen, or a clip
};

}  // namespace recurra
