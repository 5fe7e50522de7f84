/// The products of the way forward, as a member of a crew makes its share of them.
///
/// Private to the library.
#pragma once

#include "recurra/engine/memory.h"
#include "recurra/engine/packed_weights.h"
#include "recurra/engine/schedule.h"

namespace recurra {

class StepProducts {
 public:
  /// The share is some blocks of units of some rows.
  StepProducts(const Plan& plan, const PackedWeights& weights, Memory& memory, Crew& crew) noexcept
      : plan_(plan), cell_(plan.cell()), weights_(weights), m_(memory), crew_(crew) {}

  /// Puts the input products of `steps` into the gates.
  void input(Steps steps, Range rows, Range blocks) const noexcept;

  /// Adds the recurrent product of one phase of step `t`, and finishes the tiles with `s`,
  /// but where rows are finished whole.
  void recurrent(const StepArgs& s,
                 i64 t,
                 int phase,
                 Range rows,
                 Range blocks,
                 BesideProduct* beside = nullptr) const noexcept;

  /// The input product of a share, but neither sent out nor given rows.
  [[nodiscard]] ProductArgs input_args(Range blocks) const noexcept;

  /// Runs a product on the target.
  void run(ProductArgs& p) const noexcept;

 private:
  void recurrent_operand(i64 t, int phase, ProductArgs& p) const noexcept;

  const Plan& plan_;
  const CellKernels& cell_;
  const PackedWeights& weights_;
  Memory& m_;
  Crew& crew_;
};

}  // namespace recurra
