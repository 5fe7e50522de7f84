/// What a workspace holds: gates, states and the row tables by which the kernels see the caller's memory.
///
/// Rows are sorted by length, longest first, so that those still running at a step are the first
/// `active(step)`. A row's memory at a processed step is `rows.at[row] + offset(step)`; a backward direction
/// has a negative stride and starts at each row's own end. Only `bind` knows of lengths and directions.
///
/// Private to the library.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "recurra/base/buffer.h"
#include "recurra/engine/extras.h"
#include "recurra/engine/rows.h"
#include "recurra/engine/workspace.h"

namespace recurra {

/// Processed steps first .. last.
struct Steps {
  i64 first = 0;
  i64 last = 0;
};

/// Place of step `step` where there is memory for `steps`, which take turns.
[[nodiscard]] inline i64 turn_of(i64 step, i64 steps) noexcept {
  if (step < steps) return step;
  return static_cast<std::uint32_t>(step) % static_cast<std::uint32_t>(steps);
}

struct Memory {
  std::optional<Plan> plan;  // what it was prepared for
  Room room;
  AlignedBuffer<float> own;  // all regions, where the caller gave no memory
  bool given = false;        // the caller did
  Report report;

  // The call being made.
  i64 steps = 0;
  i64 batch = 0;
  i64 chunk = 0;                // steps of gates made together
  i64 back_chunk = 0;           // steps of a chunk on the way back
  i64 running = 0;              // steps up to the longest row's end
  i64 all_rows = 0;             // rows times steps that count
  bool training = false;        // states of all steps are kept
  bool keep = false;            // the gates too
  bool initial_output = false;  // the call gives h0
  bool reverse = false;         // a backward direction
  bool scattered = false;       // some row has a step that does not count between steps that do
  bool drops_x = false;
  bool drops_h = false;
  bool two_steps = false;  // h lies in two alternating buffers
  i64 gate_steps = 0;      // steps of gates there is memory for; they take turns
  i64 gate_block = 0;      // floats from one block of a step to the next
  i64 operand_steps = 0;   // as gate_steps, of the operands and of h before a projection
  i64 dropped_steps = 2;   // as gate_steps, of h times its dropout
  i64 x_steps = 1;         // as gate_steps, of x times its dropout
  i64 state_step = 0;      // floats from a step's states to the next's; 0 where they are updated in place
  i64 shortest = 0;        // steps of the shortest row
  ConstSequence x;         // the caller's
  const float* x_factor = nullptr;  // (batch, input): its dropout
  Sequence dx;
  ExtraTables extras;

  // Regions of the kept memory and of the scratch: memory_layout.cpp says which and how large.
  std::span<i64> mark;                        // of a training forward whose backward is to come
  std::span<float> gates;                     // [step of those there is memory for][block][row][slot][run]
  std::span<float> h;                         // [step, or its parity][row][width], where y does not serve
  std::span<float> states[max_states - 1];    // [step, or one][row][padded]; in training one step more
  std::span<float> operands[max_phases - 1];  // [step of those there is memory for][row][padded]
  std::span<float> unprojected;               // the same
  std::span<float> h_first;                   // [row][width]: h0 in training, for the way back
  std::span<float> zeros;                     // a row
  std::span<float> d_states[max_states];      // [row][padded]
  std::span<float> d_projection;              // [step of two chunks][row][padded width]
  std::span<float> d_output;                  // [row][padded width]: gradient of h0
  std::span<float> unused;       // [h, or another state][row][padded]: where what is known already goes
  std::span<float> sums;         // weight gradients by panel
  std::span<float> x_dropped;    // [step of a chunk][row][input]: x times its dropout
  std::span<float> h_dropped;    // [step of a chunk, or parity][row][width]
  std::span<float> dy_gathered;  // [step][row][width]
  std::span<float> row_kept;  // [step of those there is memory for][row][kept], where rows are finished whole
  std::span<float> row_sums;  // [row][sums][padded], of the same
  std::span<float> d_attention;  // [step][row][vector of units]: their parts

  std::span<int> order;   // sorted row -> the caller's row
  std::span<int> length;  // of the sorted row: steps that count
  std::span<int> begin;   // of the sorted row: its first step that counts
  std::span<int> count;   // of the caller's row, as `length`
  std::span<int> times;   // [sorted row][step that counts, in order] -> the caller's step, when scattered

  Rows<const float> h0, dy, x_rows, attention;
  Rows<float> y, gate, operand[max_phases - 1], before_projection, d_proj, d_h0, h_dropped_rows, dx_rows,
      unused_rows;
  std::span<const float*> h_factor;  // of the sorted row; where h is dropped out

  /// Rows that run at step `step`.
  [[nodiscard]] int active(i64 step) const noexcept {
    if (step < shortest) return static_cast<int>(batch);
    int rows = 0;  // those known to run
    for (int above = static_cast<int>(batch); rows < above;) {
      const int middle = rows + (above - rows) / 2;
      if (length[static_cast<std::size_t>(middle)] > step) {
        rows = middle + 1;
      } else {
        above = middle;
      }
    }
    return rows;
  }

  /// Rows of the steps before `step`, each counted once a step.
  [[nodiscard]] i64 rows_before(i64 step) const noexcept {
    if (step <= shortest) return step * batch;
    i64 sum = 0;
    for (i64 row = 0; row < batch; ++row) sum += std::min<i64>(length[static_cast<std::size_t>(row)], step);
    return sum;
  }

  /// Offset of h of processed step `step` from y.at[row].
  [[nodiscard]] i64 h_offset(i64 step) const noexcept {
    return two_steps ? (step & 1) * y.step : step * y.step;
  }

  /// Offsets of a step from the rows of gates, of an operand, of h before the projection and of its gradient.
  [[nodiscard]] i64 gate_offset(i64 step) const noexcept { return turn_of(step, gate_steps) * gate.step; }

  [[nodiscard]] i64 operand_offset(i64 step, int phase) const noexcept {
    return turn_of(step, operand_steps) * operand[phase].step;
  }

  [[nodiscard]] i64 before_projection_offset(i64 step) const noexcept {
    return turn_of(step, operand_steps) * before_projection.step;
  }

  [[nodiscard]] i64 d_proj_offset(i64 step) const noexcept {
    return turn_of(step, 2 * back_chunk) * d_proj.step;
  }

  /// Offset of the dropped-out operand of processed step `step`, which the way forward makes as it goes and
  /// the way back for a chunk.
  [[nodiscard]] i64 dropped_offset(i64 step) const noexcept {
    return turn_of(step, dropped_steps) * h_dropped_rows.step;
  }

  /// The caller's input at step `step`, or what dropout made of it; not when scattered and not dropped out.
  [[nodiscard]] StepRows<const float> x_at(i64 step) const noexcept {
    return {x_rows.at.data(), turn_of(step, x_steps) * x_rows.step};
  }

  /// The operand of step `step`'s recurrent product, before any dropout: the output before.
  [[nodiscard]] StepRows<const float> h_at(i64 step) const noexcept {
    if (step == 0) return {h0.at.data(), 0};
    return {y.at.data(), h_offset(step - 1)};
  }

  /// The same behind any dropout.
  [[nodiscard]] StepRows<const float> operand_at(i64 step) const noexcept {
    if (!drops_h) return h_at(step);
    return {h_dropped_rows.at.data(), dropped_offset(step)};
  }

  [[nodiscard]] StepRows<float> gates_at(i64 step) const noexcept {
    return {gate.at.data(), gate_offset(step)};
  }

  /// The caller's step that sorted row `row` processes as its step `step`.
  [[nodiscard]] i64 time_of(i64 step, i64 row) const noexcept {
    const auto at = static_cast<std::size_t>(row);
    const i64 place = reverse ? length[at] - 1 - step : step;
    return scattered ? times[static_cast<std::size_t>(row * steps + place)] : begin[at] + place;
  }

  /// The caller's sequence at sorted row `row` and processed step `step`.
  template <class T>
  [[nodiscard]] T* at(const SequenceOf<T>& sequence, i64 step, i64 row) const noexcept {
    return sequence.data + order[static_cast<std::size_t>(row)] * sequence.row_stride +
           time_of(step, row) * sequence.step_stride;
  }
};

/// Rows of input products made at once: they fill the tiles, and their gates stay in the second-level cache
/// until the steps read them.
inline constexpr i64 chunk_rows = 100;

/// Rows of a chunk on the way back: enough that fetching the sums of the weight gradients and bringing them
/// back costs little against what is added, few enough that the gate gradients are still in a cache. Measured
/// with 64 to 1024 units on 1 MiB of second-level cache: 128 to 512 within 2 %, all rows at once up to 13 %
/// slower.
inline constexpr i64 back_chunk_rows = 256;

/// Steps of such a chunk.
[[nodiscard]] inline i64 back_chunk_steps(i64 batch) noexcept {
  return (back_chunk_rows + batch - 1) / std::max<i64>(batch, 1);
}

/// Gives the regions of `memory` their places for `room` and returns what they take; with null memories only
/// counts.
MemoryBytes lay_out(const Plan& plan, const Room& room, std::byte* kept, std::byte* scratch, Memory& memory);

/// Throws Error (invalid_argument) with `subject` on memory that is too small or not aligned.
void check_memory(std::span<std::byte> memory, i64 bytes, const char* subject);

/// Fills the tables for a forward call.
void bind_forward(
    const Plan& plan, const Call& call, const Execution& execution, bool training, Memory& memory) noexcept;

/// Fills the tables of the way back, from the calls and the kept memory alone.
void bind_backward(const Plan& plan, const Call& call, const BackwardCall& back, Memory& memory) noexcept;

/// Copies the final states to the caller, and fills the steps of y that do not count.
void finish_outputs(const Plan& plan, const Call& call, Memory& memory) noexcept;

}  // namespace recurra
