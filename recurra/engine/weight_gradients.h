/// Gradients of all weights as products over the steps of a chunk, chunk by chunk on the way back.
///
/// Private to the library.
#pragma once

#include "recurra/engine/memory.h"
#include "recurra/engine/packed_weights.h"
#include "recurra/engine/row_pieces.h"
#include "recurra/engine/schedule.h"

namespace recurra {

/// Memory of the caller's for one gradient, and its strides.
struct GradientMemory {
  float* data = nullptr;
  WeightStrides strides = {};
};

/// One member's share of the gradients that are asked for, by outputs: no sum is split. The sums lie by
/// panels until the last chunk, which leaves them in the caller's memory; where units do not lie side by side
/// there, they are copied.
class WeightGradientPass {
 public:
  WeightGradientPass(const Plan& plan,
                     const PackedWeights& weights,
                     const BackwardCall& back,
                     Memory& memory,
                     Crew& crew,
                     bool begun) noexcept
      : plan_(plan),
        cell_(plan.cell()),
        weights_(weights),
        back_(back),
        m_(memory),
        crew_(crew),
        begun_(begun) {}

  /// Adds the part of `steps`, whose gate gradients are final. Those from step 0 are the last.
  void add(Steps steps) noexcept;

  /// After the last: what is left to be handed to the caller.
  void finish() noexcept;

 private:
  /// What a sum is over: rows of a piece's operands, by gradients.
  enum class Operand { ones, input, state, projection };

  /// A sum over (step, row) of columns of an operand times gradients, and where its runs of `run` units go:
  /// that of place i of a panel to gate order[i] of the caller's.
  struct Sum {
    Operand operand;
    int phase;  // of Operand::state
    i64 g_offset, g_panel;
    int rows, panels;
    int parts, run;  // of a panel
    const int* order;
    int columns;  // units of a gate
    GradientMemory out;
    bool skips_first = false;  // without an initial state the first step's operand is zero

    [[nodiscard]] int width() const noexcept { return parts * run; }
  };

  struct Share {
    Range panels, rows;
  };

  /// Calls visit(sum, its memory) for every gradient that is asked for.
  template <class Visit>
  void for_each_sum(Visit visit) noexcept;
  [[nodiscard]] Sum gates(
      Operand operand, int rows, Window window, const int* order, const GradientMemory& out) const noexcept;
  /// Fills `table` with the rows of the sum's operand; false where that is all ones.
  bool list_operand(const Sum& sum, const RowPiece& piece, const float** table) const noexcept;
  /// `last`: no piece comes behind it.
  void add_piece(const RowPiece& piece, bool last) noexcept;
  [[nodiscard]] Share share_of(const Sum& sum) const noexcept;
  /// Has the kernel leave the sums in the caller's memory.
  void end_in_place(const Sum& sum, GradientArgs& p) const noexcept;
  /// Copies this member's share of finished sums to where they could not end.
  void copy_out(const Sum& sum, const float* memory) const noexcept;

  /// Floats of the parameters' sums, which stand before the others.
  [[nodiscard]] i64 params_size() const noexcept { return i64{cell_.params} * plan_.padded(); }

  [[nodiscard]] Range param_share() const noexcept;
  void begin_params() noexcept;
  void add_params(Steps steps) noexcept;
  void finish_params() const noexcept;
  /// What each row has summed over its steps, for the packed params `places`, rows in order.
  void finish_row_sums(Window places, const GradientMemory& out) const noexcept;
  /// A run of units of row and gate, from unit `unit` on.
  void give(
      const float* from, i64 count, const GradientMemory& out, i64 row, int gate, i64 unit) const noexcept;
  [[nodiscard]] GradientMemory bias() const noexcept;
  [[nodiscard]] GradientMemory params() const noexcept;

  const Plan& plan_;
  const CellKernels& cell_;
  const PackedWeights& weights_;
  const BackwardCall& back_;
  Memory& m_;
  Crew& crew_;
  bool begun_;  // the sums hold something
};

}  // namespace recurra
