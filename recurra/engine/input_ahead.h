/// Input products on the way forward: those of a share of one row are made beside the recurrent products of
/// earlier steps.
///
/// Such a share spends a step waiting for the recurrent weights, which come from the second-level cache,
/// while the input products of later steps need multiply-adds: both at once take little more than the longer
/// of the two.
///
/// Private to the library.
#pragma once

#include "recurra/engine/step_products.h"

namespace recurra {

class InputAhead {
 public:
  InputAhead(const Plan& plan, Memory& memory, const StepProducts& products) noexcept
      : plan_(plan), m_(memory), products_(products), group_(plan.target().beside_rows) {}

  // The kernels have pointers into it.
  InputAhead(const InputAhead&) = delete;
  InputAhead& operator=(const InputAhead&) = delete;

  /// Makes the input products of a chunk, or those of its first steps.
  void start(Steps chunk, Range rows, Range blocks) noexcept;

  /// Sees to it that those of step t are made, and begins with later ones.
  void reach(i64 t) noexcept;

  /// What the recurrent products of the step may make beside; null: nothing.
  [[nodiscard]] BesideProduct* beside() noexcept { return any() ? &beside_ : nullptr; }

 private:
  [[nodiscard]] bool any() const noexcept { return beside_.next < beside_.count; }

  /// Whether a share's input products are made beside the recurrent ones, and not before them.
  [[nodiscard]] bool goes_beside(Range rows, Range blocks) const noexcept;

  void begin_group() noexcept;
  void finish_group() noexcept;

  const Plan& plan_;
  Memory& m_;
  const StepProducts& products_;
  int group_;  // steps made together
  Range row_, blocks_;
  Steps steps_;  // not made before their time; the first of them are the group's
  const float* x_[most_beside_rows] = {};
  float* gates_[most_beside_rows] = {};
  ProductArgs product_{};
  BesideProduct beside_{};
};

}  // namespace recurra
