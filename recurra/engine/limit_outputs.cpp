#include "recurra/engine/limit_outputs.h"

#include <algorithm>
#include <cmath>

namespace recurra {

void limit_outputs(const Plan& plan, const Memory& m, i64 step, Range rows, Range columns) noexcept {
  const float bound = plan.recurrence().projection_clip;
  if (bound == 0) return;
  for (int row = rows.first; row < rows.last; ++row) {
    float* y = m.y.at[static_cast<std::size_t>(row)] + m.h_offset(step);
    for (int j = columns.first; j < columns.last; ++j) y[j] = std::clamp(y[j], -bound, bound);
  }
}

void limit_output_gradients(const Plan& plan, const Memory& m, i64 step, Range rows, Range columns) noexcept {
  const float bound = plan.recurrence().projection_clip;
  if (bound == 0) return;
  for (int row = rows.first; row < rows.last; ++row) {
    const auto at = static_cast<std::size_t>(row);
    const float* y = m.y.at[at] + m.h_offset(step);
    float* d = m.d_proj.at[at] + m.d_proj_offset(step);
    for (int j = columns.first; j < columns.last; ++j) {
      if (!(std::abs(y[j]) < bound)) d[j] = 0 * y[j];
    }
  }
}

}  // namespace recurra
