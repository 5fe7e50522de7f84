/// What a workspace holds: gates, states and the row tables by which the kernels see the caller's memory.
///
/// Rows are sorted by length, longest first, so that those still running at a step are the first
/// `active[step]`. A row's memory at a processed step is `rows[row] + offset(step)`; a backward direction has
/// a negative stride and starts at each row's own end. Only `bind` knows of lengths and directions.
///
/// Private to the library.
#pragma once

#include <optional>
#include <vector>

#include "recurra/base/buffer.h"
#include "recurra/engine/workspace.h"

namespace recurra {

/// Padded or caller's memory of one kind, by sorted row.
template <class T>
struct Rows {
  std::vector<T*> at;
  i64 step = 0;  // floats from one processed step to the next
};

struct Memory {
  std::optional<Plan> plan;  // what it was prepared for
  Room room;
  i64 gate_rows_room = 0;
  bool filled = false;  // a training forward has run and its backward has not
  Report report;

  // The call being made.
  i64 steps = 0;
  i64 batch = 0;
  i64 chunk = 0;                // steps of gates kept
  i64 back_chunk = 0;           // steps of a chunk on the way back
  i64 running = 0;              // steps up to the longest row's end
  bool keep = false;            // training
  bool initial_output = false;  // the call gives h0
  bool scattered = false;       // some row has a step that does not count between steps that do

  AlignedBuffer<float> gates;  // [step of the chunk, or of all][block][row][slot][run]
  AlignedBuffer<float> h;      // [step, or its parity][row][width], where the caller takes no sequence
  AlignedBuffer<float> states[max_states - 1];    // [step, or one][row][padded]; in training one step more
  AlignedBuffer<float> operands[max_phases - 1];  // [step, or one][row][padded]
  AlignedBuffer<float> unprojected;               // [step, or one][row][padded]
  AlignedBuffer<float> h_first;                   // [row][width]: h0 in training, for the way back
  AlignedBuffer<float> zeros;                     // a row
  AlignedBuffer<float> d_states[max_states];      // [row][padded]
  AlignedBuffer<float> d_projection;              // [step][row][padded width]
  AlignedBuffer<float> d_output;                  // [row][padded width]: gradient of h0
  AlignedBuffer<float> sums;                      // weight gradients by panel
  AlignedBuffer<float> x_dropped;                 // [step][row][input]: x times its dropout
  AlignedBuffer<float> h_dropped;                 // [step + 1, or two][row][width]: h times its dropout
  AlignedBuffer<float> dy_gathered;               // [step][row][width]
  AlignedBuffer<float> attention;                 // [step][active row]
  AlignedBuffer<float> d_attention;               // [step][active row][vector of units]: their parts
  AlignedBuffer<float> row_kept;  // [step][row][kept], of a cell whose rows are finished whole
  AlignedBuffer<float> row_sums;  // [row][sums][padded], of the same

  std::vector<int> order;   // sorted row -> the caller's row
  std::vector<int> length;  // of the sorted row: steps that count
  std::vector<int> begin;   // of the sorted row: its first step that counts
  std::vector<int> count;   // of the caller's row, as `length`
  std::vector<int> times;   // [sorted row][step that counts, in order] -> the caller's step, when scattered
  std::vector<int> active;  // step -> rows still running; one entry more, 0
  std::vector<i64> first;   // step -> place of its row 0 in the tables of all rows; one entry more
  std::vector<int> counts;  // for sorting

  Rows<const float> h0, dy;
  Rows<float> y, gate, operand[max_phases - 1], before_projection, d_proj, d_h0, h_dropped_rows;
  std::vector<const float*> h_factor;  // of the sorted row; where h is dropped out
  // (step, active row) in the one order of all sums over time and rows.
  std::vector<const float*> x_all, h_all, operand_all[max_phases - 1], unprojected_all, d_proj_all;
  std::vector<float*> gate_all, dx_all;

  /// Offset of h of processed step `step` from y.at[row].
  [[nodiscard]] i64 h_offset(i64 step) const noexcept {
    return two_steps ? (step & 1) * y.step : step * y.step;
  }

  /// Floats from one step of gates to the next, and from one block of a step to the next.
  [[nodiscard]] i64 gate_offset(i64 step) const noexcept { return (keep ? step : step % chunk) * gate.step; }

  /// Offset of the dropped-out operand of processed step `step`.
  [[nodiscard]] i64 dropped_offset(i64 step) const noexcept {
    return (keep ? step : step & 1) * h_dropped_rows.step;
  }

  bool drops_h = false;
  bool two_steps = false;  // h lies in two alternating buffers
  i64 gate_block = 0;
  i64 state_step = 0;  // floats from a step's states to the next's; 0 where they are updated in place
};

/// Rows of input products made at once: they fill the tiles, and their gates stay in the second-level cache
/// until the steps read them.
inline constexpr i64 chunk_rows = 100;

/// Rows of a chunk on the way back: enough that fetching the sums of the weight gradients and bringing them
/// back costs little against what is added, few enough that the gate gradients are still in a cache. Measured
/// with 64 to 1024 units on 1 MiB of second-level cache: 128 to 512 within 2 %, all rows at once up to 13 %
/// slower.
inline constexpr i64 back_chunk_rows = 256;

/// Fills the tables for a forward call. Throws Error on sizes that do not fit and lengths outside 0 to steps.
void bind_forward(
    const Plan& plan, const Call& call, const Execution& execution, bool training, Memory& memory);

/// Adds the tables of the way back.
void bind_backward(const Plan& plan, const Call& call, const BackwardCall& back, Memory& memory) noexcept;

/// Copies the final states to the caller, and fills the steps of y that do not count.
void finish_outputs(const Plan& plan, const Call& call, Memory& memory) noexcept;

}  // namespace recurra
