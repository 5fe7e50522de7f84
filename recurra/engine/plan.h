/// How a recurrence is computed: target, cell, and the widths of all panels. Does not depend on batch or
/// steps.
#pragma once

#include <string>

#include "recurra/engine/dispatch/dispatch.h"
#include "recurra/engine/recurrence.h"

namespace recurra {

/// Columns of a product cut into panels of `vectors` vectors.
struct Panels {
  int columns = 0;  ///< of the product, without padding
  int vectors = 0;  ///< of a panel
  int count = 0;    ///< of panels
  int width = 0;    ///< floats of a panel: vectors * target width
};

/// `columns` cut for vectors of `width` floats: fewest padded columns, of equals the widest panel, which has
/// the best ratio of adds to loads.
[[nodiscard]] Panels cut_panels(int columns, int width);

/// `size` as an int. Throws Error (invalid_argument) with `subject` unless it is in least .. 2^20.
[[nodiscard]] int checked_size(i64 size, const char* subject, i64 least);

/// Built once for a recurrence; immutable, shared by any number of threads.
class RECURRA_API Plan {
 public:
  /// Throws Error: unsupported for an unknown cell, invalid_argument for a size out of range or a
  /// projection, activations or a clip the cell cannot have.
  explicit Plan(const Recurrence& recurrence, const Target& target = active_target());

  /// Whether both compute the same: what is made for one serves the other.
  [[nodiscard]] bool operator==(const Plan& other) const noexcept {
    return target_ == other.target_ && recurrence_ == other.recurrence_;
  }

  /// Whether weights are packed alike for both: they may differ in direction and activations.
  [[nodiscard]] bool packs_alike(const Plan& other) const noexcept {
    const Recurrence& a = recurrence_;
    const Recurrence& b = other.recurrence_;
    return target_ == other.target_ && a.cell == b.cell && a.input == b.input && a.units == b.units &&
           a.projection == b.projection;
  }

  [[nodiscard]] const Recurrence& recurrence() const noexcept { return recurrence_; }

  [[nodiscard]] const Target& target() const noexcept { return *target_; }

  [[nodiscard]] const CellKernels& cell() const noexcept { return *cell_; }

  /// Which of the cell's epilogues run: 0 those with its own activations and no clip, 1 those with
  /// `activations()` and `clip()`.
  [[nodiscard]] int chosen() const noexcept { return chosen_; }

  /// One for each place of the cell; null where the cell's own epilogues run.
  [[nodiscard]] const Activation* activations() const noexcept {
    if (chosen_ == 0) return nullptr;
    return recurrence_.activations.empty() ? cell_->activations : recurrence_.activations.data();
  }

  [[nodiscard]] float clip() const noexcept { return recurrence_.clip; }

  /// Width of the output and of the recurrent operand: projection, or units.
  [[nodiscard]] int width() const noexcept { return width_; }

  [[nodiscard]] int units() const noexcept { return static_cast<int>(recurrence_.units); }

  [[nodiscard]] int input() const noexcept { return static_cast<int>(recurrence_.input); }

  [[nodiscard]] bool projected() const noexcept { return recurrence_.projection > 0; }

  /// Floats of a unit block of one gate, blocks, and units padded to whole blocks.
  [[nodiscard]] int run() const noexcept { return run_; }

  [[nodiscard]] int blocks() const noexcept { return blocks_; }

  [[nodiscard]] int padded() const noexcept { return blocks_ * run_; }

  /// Floats of all slots of a row of one block.
  [[nodiscard]] int slot_run() const noexcept { return cell_->slots * run_; }

  /// Whether rows are finished whole, behind their products: the cell's units depend on each other.
  [[nodiscard]] bool finishes_rows() const noexcept { return cell_->rows.forward[0] != nullptr; }

  /// Vectors of units in the pack of parameters; where rows are finished whole the bias is among them.
  [[nodiscard]] int packed_params() const noexcept {
    return cell_->params + (finishes_rows() ? cell_->gates : 0);
  }

  /// Operand width of phase p's product.
  [[nodiscard]] int operand(int phase) const noexcept { return phase == 0 ? width_ : units(); }

  /// Panels of units on the way back, of input columns, of the recurrent operand's and the projection's.
  [[nodiscard]] const Panels& unit_panels() const noexcept { return unit_panels_; }

  [[nodiscard]] const Panels& input_panels() const noexcept { return input_panels_; }

  [[nodiscard]] const Panels& width_panels() const noexcept { return width_panels_; }

  /// Panels of what the product of phase p on the way back gives: the recurrent operand, or a phase's.
  [[nodiscard]] const Panels& operand_panels(int phase) const noexcept {
    return phase == 0 && projected() ? width_panels_ : unit_panels_;
  }

  /// First place of phase p in the cell's state order.
  [[nodiscard]] int order_offset(int phase) const noexcept;

  /// Multiply-adds of the recurrent products of one step and row.
  [[nodiscard]] i64 recurrent_work() const noexcept;

  /// Multiply-adds of the input product of one step and row.
  [[nodiscard]] i64 input_work() const noexcept;

 private:
  void choose_epilogues();

  Recurrence recurrence_;
  const Target* target_;
  const CellKernels* cell_;
  int width_;
  int run_;
  int blocks_;
  int chosen_ = 0;
  Panels unit_panels_, input_panels_, width_panels_;
};

}  // namespace recurra
