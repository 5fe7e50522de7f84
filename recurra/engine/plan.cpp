#include "recurra/engine/plan.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "recurra/base/error.h"
#include "recurra/base/shortest.h"
#include "recurra/engine/activations.h"

namespace recurra {

namespace {

constexpr i64 most_units = i64{1} << 20;

}  // namespace

int checked_size(i64 size, const char* subject, i64 least) {
  if (size < least || size > most_units) {
    throw Error(ErrorCode::invalid_argument,
                subject,
                std::to_string(least) + " to " + std::to_string(most_units),
                std::to_string(size));
  }
  return static_cast<int>(size);
}

Panels cut_panels(int columns, int width) {
  Panels best;
  for (const int vectors : {4, 3, 2, 1}) {
    const int panel = vectors * width;
    const int count = (columns + panel - 1) / panel;
    if (best.count == 0 || count * panel < best.count * best.width) best = {columns, vectors, count, panel};
  }
  return best;
}

Plan::Plan(const Recurrence& recurrence, const Target& target)
    : recurrence_(recurrence), target_(&target), cell_(&find_cell(target, recurrence.cell)) {
  const int input = checked_size(recurrence.input, "input", 1);
  const int units = checked_size(recurrence.units, "units", 1);
  const int projection = checked_size(recurrence.projection, "projection", 0);
  if (projection > 0 && (cell_->reads_h || !cell_->dense)) {
    throw Error(ErrorCode::invalid_argument,
                "projection",
                "none for cell \"" + recurrence.cell + "\"",
                std::to_string(projection));
  }
  const float bound = recurrence.projection_clip;
  if (!(bound >= 0) || !std::isfinite(bound))
    throw Error(ErrorCode::invalid_argument, "projection_clip", "0 or a number above", shortest(bound));
  if (bound > 0 && projection == 0)
    throw Error(ErrorCode::invalid_argument, "projection_clip", "0 without a projection", shortest(bound));
  choose_epilogues();
  width_ = projection > 0 ? projection : units;
  run_ = cell_->vectors * target.width;
  blocks_ = (units + run_ - 1) / run_;
  unit_panels_ = cut_panels(padded(), target.width);
  input_panels_ = cut_panels(input, target.width);
  width_panels_ = cut_panels(width_, target.width);
}

void Plan::choose_epilogues() {
  const std::vector<Activation>& chosen = recurrence_.activations;
  const std::span own(cell_->activations, static_cast<std::size_t>(cell_->activation_count));
  if (!chosen.empty() && chosen.size() != own.size()) {
    throw Error(ErrorCode::invalid_argument,
                "activations",
                "none or " + std::to_string(own.size()) + " for cell \"" + recurrence_.cell + "\"",
                std::to_string(chosen.size()));
  }
  for (const Activation& activation : chosen) check_activation(activation, "activations");
  const float clip = recurrence_.clip;
  if (!(clip >= 0) || !std::isfinite(clip))
    throw Error(ErrorCode::invalid_argument, "clip", "0 or a number above", shortest(clip));
  if (clip > 0 && !cell_->clips) {
    throw Error(
        ErrorCode::invalid_argument, "clip", "0 for cell \"" + recurrence_.cell + "\"", shortest(clip));
  }
  const bool others = !chosen.empty() && !std::ranges::equal(chosen, own);
  chosen_ = others || clip > 0 ? 1 : 0;
}

int Plan::order_offset(int phase) const noexcept {
  int offset = 0;
  for (int p = 0; p < phase; ++p) offset += cell_->phase[p].count;
  return offset;
}

i64 Plan::recurrent_work() const noexcept {
  i64 work = i64{units()} * recurrence_.projection;
  for (int p = 0; cell_->dense && p < cell_->phases; ++p)
    work += i64{operand(p)} * cell_->phase[p].count * units();
  return work;
}

i64 Plan::input_work() const noexcept {
  return i64{input()} * cell_->input.count * units();
}

}  // namespace recurra
