#include "recurra/engine/dropout.h"

#include "recurra/engine/row_tables.h"

namespace recurra {

namespace {

/// to(t, row) = from(t, row) * factor(row), `width` numbers each.
template <class To, class From, class Factor>
void drop(const Memory& m, Steps steps, Range rows, i64 width, To to, From from, Factor factor) noexcept {
  for (i64 t = steps.first; t < steps.last; ++t) {
    const i64 last = std::min(rows.last, m.active(t));
    for (i64 row = rows.first; row < last; ++row) {
      float* out = to(t, row);
      const float* in = from(t, row);
      const float* f = factor(row);
      for (i64 k = 0; k < width; ++k) out[k] = in[k] * f[k];
    }
  }
}

}  // namespace

void drop_inputs(const Plan& plan, Steps steps, Range rows, Memory& m) noexcept {
  drop(
      m,
      steps,
      rows,
      plan.input(),
      [&](i64 t, i64 row) {
        return m.x_dropped.data() + (turn_of(t, m.x_steps) * m.batch + row) * plan.input();
      },
      [&](i64 t, i64 row) { return m.at(m.x, t, row); },
      [&](i64 row) { return m.x_factor + m.order[index(row)] * i64{plan.input()}; });
}

void drop_outputs(const Plan& plan, Steps steps, Range rows, Memory& m) noexcept {
  drop(
      m,
      steps,
      rows,
      plan.width(),
      [&](i64 t, i64 row) { return m.h_dropped_rows.at[index(row)] + m.dropped_offset(t); },
      [&](i64 t, i64 row) { return m.h_at(t).at[row] + m.h_at(t).offset; },
      [&](i64 row) { return m.h_factor[index(row)]; });
}

}  // namespace recurra
