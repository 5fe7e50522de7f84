#include "recurra/engine/recompute.h"

#include <algorithm>

#include "recurra/engine/step_args.h"
#include "recurra/engine/step_products.h"

namespace recurra {

namespace {

// Bytes of recurrent weights that serve all steps of a chunk before the next are fetched: half of a small
// second-level cache.
constexpr i64 weight_bytes = 512 << 10;

/// A step's outputs and states are known and read by others: what the cell gives again goes nowhere.
StepArgs step_again(const Plan& plan, const PackedWeights& weights, Memory& m, i64 step, int phase) noexcept {
  StepArgs s = step_args(plan, weights, m, step, phase);
  s.keep = true;
  if (!plan.projected()) {
    s.h_new = m.unused_rows.at.data();
    s.h_new_offset = 0;
  }
  s.h_dropped = m.unused_rows.at.data();
  s.h_dropped_offset = 0;
  for (StepRows<float>& states : s.extras.states) states = {};
  // Rows that are finished whole read what is fresh again: they write the same once more.
  for (float*& fresh : s.extras.fresh) fresh = plan.finishes_rows() ? fresh : nullptr;
  for (int k = 1; k < plan.cell().states; ++k) s.state_new[k - 1] = m.unused.data() + m.batch * plan.padded();
  return s;
}

}  // namespace

void recompute_gates(const Plan& plan,
                     const PackedWeights& weights,
                     Steps chunk,
                     Range rows,
                     Schedule split,
                     Memory& m,
                     Crew& crew) noexcept {
  const CellKernels& cell = plan.cell();
  const bool by_rows = split == Schedule::rows;
  const Range blocks =
      by_rows ? Range{0, plan.blocks()} : even_share(plan.blocks(), crew.index(), crew.count());
  const StepProducts products(plan, weights, m, crew);
  products.input(chunk, rows, blocks);
  for (int phase = 0; phase < cell.phases; ++phase) {
    if (phase > 0 && !by_rows) crew.barrier();
    const i64 block_bytes =
        i64{plan.operand(phase)} * cell.phase[phase].count * plan.run() * static_cast<i64>(sizeof(float));
    const int group = static_cast<int>(std::max<i64>(2, weight_bytes / block_bytes));
    for (int first = blocks.first; first < blocks.last; first += group) {
      const Range some{first, std::min(first + group, blocks.last)};
      for (i64 t = chunk.first; t < chunk.last; ++t)
        products.recurrent(step_again(plan, weights, m, t, phase), t, phase, rows, some);
    }
  }
  if (plan.finishes_rows()) {
    if (!by_rows) crew.barrier();
    // A row's steps are all its owner's: they take turns in the row where nothing is kept.
    const Range own = by_rows ? rows : even_share(m.active(chunk.first), crew.index(), crew.count());
    for (i64 t = chunk.first; t < chunk.last; ++t) {
      const Range whole = whole_rows(m, own, Schedule::rows, t, crew);
      if (whole.count() > 0)
        cell.rows.forward[plan.chosen()](step_again(plan, weights, m, t, 0), whole.first, whole.last);
    }
  }
  if (!by_rows) crew.barrier();
}

}  // namespace recurra
