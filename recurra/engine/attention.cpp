#include "recurra/engine/attention.h"

#include "recurra/base/error.h"
#include "recurra/engine/row_tables.h"

namespace recurra {

void check_attention(const Plan& plan, const Call& call) {
  const bool needed = plan.cell().attention && call.steps > 0 && call.batch > 0;
  if (needed && call.attention.data == nullptr) {
    throw Error(ErrorCode::invalid_argument,
                "attention",
                "a sequence for cell \"" + plan.recurrence().cell + "\"",
                "null");
  }
  if (!plan.cell().attention && call.attention.data != nullptr) {
    throw Error(ErrorCode::invalid_argument,
                "attention",
                "none for cell \"" + plan.recurrence().cell + "\"",
                "a sequence");
  }
}

void check_attention_gradient(const Plan& plan, const BackwardCall& back) {
  if (plan.cell().attention || back.d_attention.data == nullptr) return;
  throw Error(ErrorCode::invalid_argument,
              "d_attention",
              "none for cell \"" + plan.recurrence().cell + "\"",
              "a sequence");
}

void bind_attention(const Plan& plan, const Call& call, Memory& m) noexcept {
  if (plan.cell().attention) bind_steps(plan, call.attention, m, m.attention);
}

void finish_attention_gradient(const Plan& plan, const BackwardCall& back, const Memory& m) noexcept {
  if (back.d_attention.data == nullptr) return;
  const i64 vectors = i64{plan.blocks()} * plan.cell().vectors;
  for (i64 row = 0; row < m.batch; ++row) {
    float* to = back.d_attention.data + m.order[index(row)] * back.d_attention.row_stride;
    for (i64 time = 0; time < m.steps; ++time) to[time * back.d_attention.step_stride] = 0.0F;
    for (i64 t = 0; t < m.length[index(row)]; ++t) {
      const float* from = m.d_attention.data() + (t * m.batch + row) * vectors;
      float sum = 0.0F;
      for (i64 vector = 0; vector < vectors; ++vector) sum += from[vector];
      to[m.time_of(t, row) * back.d_attention.step_stride] = sum;
    }
  }
}

}  // namespace recurra
