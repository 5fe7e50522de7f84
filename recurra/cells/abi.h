/// What the engine knows of a cell: numbers, orders and functions of one target. No folder below the doors
/// names a cell; it reads these.
#pragma once

#include "recurra/kernels/abi.h"

namespace recurra {

inline constexpr int max_gates = 6;
inline constexpr int max_states = 6;
inline constexpr int max_phases = 3;
inline constexpr int max_activations = 6;

/// A run of slots or gates.
struct Window {
  int first, count;
};

/// Where the rows of one step lie: at[row] + offset.
template <class T>
struct StepRows {
  T* const* at;
  i64 offset;
};

/// What few calls have; null pointers: not. By row; of states [0] is state 1 unless it says otherwise.
struct StepExtras {
  StepRows<const float> zoneout[max_states];  // of state 0 too: factors of the old state in the new
  float* fresh[max_states - 1];            // row * state_row + unit: states before zoneout, for the way back
  StepRows<float> states[max_states - 1];  // the caller's memory of this step's states
  StepRows<const float> d_states[max_states - 1];  // backward: gradients of this step's states from outside
};

/// One phase of one step, the context of the epilogues. Rows are those of the call, sorted by length.
///
/// Vectors of a unit block lie together: `slot k, vector u` at `(k * vectors + u) * width` of the row's
/// block.
struct StepArgs {
  int units;
  int vectors;  // of all units, padded to whole blocks
  int group;    // backward: vectors of a panel
  bool keep;    // training: every slot stays in memory for the way back

  // Slots of block b: gates[row] + gates_offset + b * gates_block.
  float* const* gates;
  i64 gates_offset, gates_block;
  const float* params;  // [block][param][vectors * width]
  // Chosen at run time; not read by the epilogues of the cell's own activations.
  const Activation* activations;
  float clip;  // bound of the elementwise state; 0: none

  // State 0 is the output h, unit by unit as the caller stores it.
  const float* const* h_old;
  i64 h_old_offset;
  float* const* h_new;
  i64 h_new_offset;
  float* h_copy;  // where not null, of a single row: h once more, for the caller
  // Further states: row * state_row + unit, padded to whole blocks; [0] is state 1.
  const float* state_old[max_states - 1];
  float* state_new[max_states - 1];
  i64 state_row;
  // What a phase hands to the product of the next.
  float* const* operand;
  i64 operand_offset;
  // Dropout of the recurrent operand: factors of the units (null: none), by which operands are multiplied;
  // the last phase stores h times them beside h.
  const float* const* dropout;
  float* const* h_dropped;
  i64 h_dropped_offset;
  StepRows<const float> attention;  // of the row, for cells that take it
  bool has_extras;
  StepExtras extras;

  // Backward: gradient of h from outside (null: none), and of every state, row * state_row + unit.
  const float* const* dy;
  i64 dy_offset;
  float* d_state[max_states];
  float* d_attention;  // [row][vector of units]: its part of the attention's gradient

  // Of a cell whose rows are finished whole: what of this step the way back needs, [row][kept]; and there the
  // gradient of h that came through the recurrent product, and [row][sums][units padded].
  float* row_kept;
  const float* const* product;
  float* row_sums;
};

/// A step of one row, of a cell with a product and one phase: both products and the cell in one pass, nothing
/// between them leaves the registers. Weights as they are packed.
struct RowStepArgs {
  StepArgs step;  // slots are not read
  int row;        // of the step's tables
  const float* x;
  int inputs;
  const float* h;  // the recurrent product's operand
  int width;       // 0: no recurrent product
  const float* in;
  const float* bias;
  const float* state;
  int first_block, last_block;
  bool descending;  // as of ProductArgs
  const char** executed;
};

/// Adds one step's part of the parameter gradients: sum is [param][units padded].
struct ParamGradientArgs {
  const StepArgs* step;
  int first_row, last_row;
  int first_vector, last_vector;
  float* sum;
  i64 sum_param;
};

/// Of a cell whose units depend on each other through their row, instead of the epilogues: once the products
/// of a step lie in the slots, these finish rows first_row .. last_row. The pack of its parameters has the
/// bias behind them, gate by gate; the products start from zero. The first params + gates of the sums are the
/// gradients of these, each step's added.
struct RowKernels {
  void (*forward[2])(const StepArgs&, int first_row, int last_row);  // null: units are finished one by one
  void (*backward[2])(const StepArgs&, int first_row, int last_row);
  int kept;
  int sums;
};

/// A cell of one target. `phase[p]` are the slots the product of phase p adds to, `input` those of the input
/// product; the orders give the canonical gate of each of their places.
struct CellKernels {
  const char* name;
  int gates, slots, states, params, phases;
  int vectors;     // per unit block and gate
  int separate;    // leading gates of phase 0 that start from a parameter, their input part in a slot of its
                   // own
  bool dense;      // has a recurrent product
  bool reads_h;    // its step reads the old h unit by unit, which a projection does not leave
  bool attention;  // its step reads a number of the step and row
  bool clips;      // its step can bound its elementwise state
  Window phase[max_phases];
  Window input;
  int state_order[max_gates];
  int input_order[max_gates];
  int activation_count;
  Activation activations[max_activations];  // the cell's own
  // [0] with the cell's own activations and without a clip, [1] with those of StepArgs.
  Epilogue forward[2][max_phases];
  Epilogue backward[2][max_phases];
  void (*row_step[2])(const RowStepArgs&);  // null: a step of one row goes through the products
  void (*param_gradient)(const ParamGradientArgs&);
  RowKernels rows;
};

}  // namespace recurra
