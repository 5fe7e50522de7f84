#include "recurra/engine/weight_gradients.h"

#include <algorithm>

#include "recurra/engine/row_tables.h"
#include "recurra/engine/step_args.h"

namespace recurra {

WeightGradientPass::Sum WeightGradientPass::gates(
    const float* const* a, int rows, Window window, const int* order, float* out) const noexcept {
  Sum sum{};
  sum.a = a;
  sum.g = m_.gate_all.data();
  sum.g_offset = i64{window.first} * plan_.run();
  sum.g_panel = m_.gate_block;
  sum.rows = rows;
  sum.panels = plan_.blocks();
  sum.parts = window.count;
  sum.run = plan_.run();
  sum.order = order;
  sum.columns = plan_.units();
  sum.row_size = i64{cell_.gates} * plan_.units();
  sum.out = out;
  return sum;
}

template <class Visit>
void WeightGradientPass::for_each_sum(Visit visit) noexcept {
  const WeightGradients& out = back_.d_weights;
  float* memory = m_.sums.data() + params_size();
  const auto next = [&](const Sum& sum) {
    visit(sum, memory);
    memory += i64{sum.panels} * sum.rows * sum.width();
  };
  if (out.W != nullptr) next(gates(m_.x_all.data(), plan_.input(), cell_.input, cell_.input_order, out.W));
  if (out.b != nullptr && !plan_.finishes_rows())
    next(gates(nullptr, 1, cell_.input, cell_.input_order, out.b));
  for (int p = 0; out.U != nullptr && cell_.dense && p < cell_.phases; ++p) {
    const float* const* operand = p == 0 ? m_.h_all.data() : m_.operand_all[p - 1].data();
    const int* order = cell_.state_order + plan_.order_offset(p);
    Sum sum = gates(operand, plan_.operand(p), cell_.phase[p], order, out.U);
    sum.skips_first = p == 0 && !m_.initial_output;
    next(sum);
  }
  if (out.P == nullptr || !plan_.projected()) return;
  const Panels& panels = plan_.width_panels();
  static constexpr int plain_order[] = {0};
  Sum sum{};
  sum.a = m_.unprojected_all.data();
  sum.g = m_.d_proj_all.data();
  sum.g_panel = sum.run = panels.width;
  sum.rows = plan_.units();
  sum.panels = panels.count;
  sum.parts = 1;
  sum.order = plain_order;
  sum.columns = plan_.width();
  sum.row_size = plan_.width();
  sum.out = out.P;
  next(sum);
}

/// Panels, or, where they do not divide evenly, rows of all panels.
WeightGradientPass::Share WeightGradientPass::share_of(const Sum& sum) const noexcept {
  const int count = crew_.count();
  if (sum.panels % count == 0 || sum.panels >= 8 * count)
    return {even_share(sum.panels, crew_.index(), count), {0, sum.rows}};
  return {{0, sum.panels}, even_share(sum.rows, crew_.index(), count)};
}

void WeightGradientPass::add(Steps steps) noexcept {
  for_each_sum([&](const Sum& sum, float* memory) {
    const Share share = share_of(sum);
    GradientArgs p{};
    p.first_k =
        m_.first[index(steps.first == 0 && sum.skips_first ? std::min<i64>(1, steps.last) : steps.first)];
    p.last_k = m_.first[index(steps.last)];
    p.a = sum.a;
    p.g = sum.g;
    p.g_offset = sum.g_offset;
    p.g_panel = sum.g_panel;
    p.vectors = sum.width() / plan_.target().width;
    p.first_row = share.rows.first;
    p.last_row = share.rows.last;
    p.first_panel = share.panels.first;
    p.last_panel = share.panels.last;
    p.add = begun_;
    p.sum = memory;
    p.sum_panel = i64{sum.rows} * sum.width();
    if (steps.first == 0) end_in_place(sum, p);
    plan_.target().gradient(p);
  });
  if (back_.d_weights.params != nullptr && cell_.params > 0 && !plan_.finishes_rows()) add_params(steps);
  begun_ = true;
}

void WeightGradientPass::end_in_place(const Sum& sum, GradientArgs& p) const noexcept {
  p.out = sum.out;
  p.out_row = sum.row_size;
  p.out_panel = sum.run;
  p.out_columns = sum.columns;
  p.out_add = back_.accumulate;
  const int width = plan_.target().width;
  for (int n = 0; n < p.vectors; ++n) {
    const int column = n * width;
    p.out_column[n] = column % sum.run;
    p.out_vector[n] = i64{sum.order[column / sum.run]} * sum.columns + p.out_column[n];
  }
}

void WeightGradientPass::finish() noexcept {
  if (!begun_) add({});  // no step counts: zeros
  if (plan_.finishes_rows()) {
    if (back_.d_weights.params != nullptr) finish_row_sums({0, cell_.params}, back_.d_weights.params);
    if (back_.d_weights.b != nullptr) finish_row_sums({cell_.params, cell_.gates}, back_.d_weights.b);
  } else if (back_.d_weights.params != nullptr && cell_.params > 0) {
    finish_params();
  }
}

Range WeightGradientPass::param_share() const noexcept {
  return even_share(plan_.blocks() * cell_.vectors, crew_.index(), crew_.count());
}

void WeightGradientPass::add_params(Steps steps) noexcept {
  const Range share = param_share();
  ParamGradientArgs p{};
  p.first_vector = share.first;
  p.last_vector = share.last;
  p.sum = m_.sums.data();
  p.sum_param = plan_.padded();
  const int width = plan_.target().width;
  for (int k = 0; k < cell_.params && !begun_; ++k)
    std::fill_n(p.sum + k * p.sum_param + share.first * width, share.count() * width, 0.0F);
  for (i64 t = steps.first; t < steps.last; ++t) {
    const StepArgs s = step_args(plan_, weights_, m_, t, 0);
    p.step = &s;
    p.last_row = m_.active[index(t)];
    cell_.param_gradient(p);
  }
}

void WeightGradientPass::finish_params() const noexcept {
  const Range share = param_share();
  const i64 width = plan_.target().width;
  const i64 unit = share.first * width;
  const i64 filled = std::min<i64>(share.last * width, plan_.units()) - unit;
  for (int k = 0; k < cell_.params; ++k) {
    give(m_.sums.data() + i64{k} * plan_.padded() + unit,
         filled,
         back_.d_weights.params + i64{k} * plan_.units() + unit);
  }
}

void WeightGradientPass::finish_row_sums(Window places, float* out) const noexcept {
  const int rows = m_.running > 0 ? m_.active[0] : 0;
  const Range units = even_share(plan_.units(), crew_.index(), crew_.count());
  float* sum = m_.sums.data() + units.first;  // where other cells have the sum of their first parameter
  for (int p = 0; p < places.count; ++p) {
    std::fill_n(sum, units.count(), 0.0F);
    for (int row = 0; row < rows; ++row) {
      const i64 place = i64{row} * cell_.rows.sums + places.first + p;
      const float* from = m_.row_sums.data() + place * plan_.padded() + units.first;
      for (int u = 0; u < units.count(); ++u) sum[u] += from[u];
    }
    give(sum, units.count(), out + i64{p} * plan_.units() + units.first);
  }
}

void WeightGradientPass::give(const float* from, i64 count, float* to) const noexcept {
  if (!back_.accumulate) {
    std::copy_n(from, std::max<i64>(count, 0), to);
    return;
  }
  for (i64 i = 0; i < count; ++i) to[i] += from[i];
}

}  // namespace recurra
