#include "recurra/engine/weight_gradients.h"

#include <algorithm>

#include "recurra/engine/step_args.h"

namespace recurra {

WeightGradientPass::Sum WeightGradientPass::gates(
    Operand operand, int rows, Window window, const int* order, const GradientMemory& out) const noexcept {
  Sum sum{};
  sum.operand = operand;
  sum.g_offset = i64{window.first} * plan_.run();
  sum.g_panel = m_.gate_block;
  sum.rows = rows;
  sum.panels = plan_.blocks();
  sum.parts = window.count;
  sum.run = plan_.run();
  sum.order = order;
  sum.columns = plan_.units();
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
  const GradientMemory W{out.W, strides_or_contiguous(out.W_strides, cell_.gates, plan_.units())};
  const GradientMemory U{out.U, strides_or_contiguous(out.U_strides, cell_.gates, plan_.units())};
  if (out.W != nullptr) next(gates(Operand::input, plan_.input(), cell_.input, cell_.input_order, W));
  if (out.b != nullptr && !plan_.finishes_rows())
    next(gates(Operand::ones, 1, cell_.input, cell_.input_order, bias()));
  for (int p = 0; out.U != nullptr && cell_.dense && p < cell_.phases; ++p) {
    const int* order = cell_.state_order + plan_.order_offset(p);
    Sum sum = gates(Operand::state, plan_.operand(p), cell_.phase[p], order, U);
    sum.phase = p;
    sum.skips_first = p == 0 && !m_.initial_output;
    next(sum);
  }
  if (out.P == nullptr || !plan_.projected()) return;
  const Panels& panels = plan_.width_panels();
  static constexpr int plain_order[] = {0};
  Sum sum{};
  sum.operand = Operand::projection;
  sum.g_panel = sum.run = panels.width;
  sum.rows = plan_.units();
  sum.panels = panels.count;
  sum.parts = 1;
  sum.order = plain_order;
  sum.columns = plan_.width();
  sum.out = {out.P, strides_or_contiguous(out.P_strides, 1, plan_.width())};
  next(sum);
}

bool WeightGradientPass::list_operand(const Sum& sum,
                                      const RowPiece& piece,
                                      const float** table) const noexcept {
  switch (sum.operand) {
    case Operand::ones:
      return false;
    case Operand::input:
      piece.list_inputs(m_, table);
      return true;
    case Operand::projection:
      piece.list(table, [&](i64 t) {
        return StepRows<float>{m_.before_projection.at.data(), m_.before_projection_offset(t)};
      });
      return true;
    case Operand::state:
      break;
  }
  const int before = sum.phase - 1;
  if (before >= 0) {
    piece.list(table, [&](i64 t) {
      return StepRows<float>{m_.operand[before].at.data(), m_.operand_offset(t, before)};
    });
  } else if (m_.drops_h) {
    piece.list(table, [&](i64 t) {
      return StepRows<float>{m_.h_dropped_rows.at.data(), m_.dropped_offset(t)};
    });
  } else {
    piece.list(table, [&](i64 t) { return m_.h_at(t); });
  }
  return true;
}

/// Panels, or, where they do not divide evenly, rows of all panels.
WeightGradientPass::Share WeightGradientPass::share_of(const Sum& sum) const noexcept {
  const int count = crew_.count();
  if (sum.panels % count == 0 || sum.panels >= 8 * count)
    return {even_share(sum.panels, crew_.index(), count), {0, sum.rows}};
  return {{0, sum.panels}, even_share(sum.rows, crew_.index(), count)};
}

void WeightGradientPass::add(Steps steps) noexcept {
  const i64 rows = m_.rows_before(steps.last) - m_.rows_before(steps.first);
  if (!begun_) begin_params();
  const i64 pieces = (rows + piece_rows - 1) / piece_rows;
  const auto most = static_cast<int>(pieces > 0 ? (rows + pieces - 1) / pieces : 1);
  i64 left = rows;
  for_each_piece(m_, {steps}, most, [&](const RowPiece& piece) {
    left -= piece.count;
    add_piece(piece, steps.first == 0 && left == 0);
  });
  if (back_.d_weights.params != nullptr && cell_.params > 0 && !plan_.finishes_rows()) add_params(steps);
}

void WeightGradientPass::add_piece(const RowPiece& piece, bool last) noexcept {
  const float* operand[piece_rows];
  const float* gates[piece_rows];
  const float* d_projection[piece_rows];
  piece.list(gates, [&](i64 t) { return m_.gates_at(t); });
  if (plan_.projected())
    piece.list(d_projection, [&](i64 t) {
      return StepRows<float>{m_.d_proj.at.data(), m_.d_proj_offset(t)};
    });
  int skipped = 0;
  for (int i = 0; i < piece.run_count && piece.runs[i].step == 0; ++i) skipped += piece.runs[i].count;
  for_each_sum([&](const Sum& sum, float* memory) {
    const Share share = share_of(sum);
    GradientArgs p{};
    p.first_k = sum.skips_first ? skipped : 0;
    p.last_k = piece.count;
    if (list_operand(sum, piece, operand)) p.a = operand;
    p.g = sum.operand == Operand::projection ? d_projection : gates;
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
    if (last && sum.out.strides.unit == 1) end_in_place(sum, p);
    plan_.target().gradient(p);
  });
  begun_ = true;
}

void WeightGradientPass::end_in_place(const Sum& sum, GradientArgs& p) const noexcept {
  p.out = sum.out.data;
  p.out_row = sum.out.strides.row;
  p.out_panel = sum.run;
  p.out_columns = sum.columns;
  p.out_add = back_.accumulate;
  const int width = plan_.target().width;
  for (int n = 0; n < p.vectors; ++n) {
    const int column = n * width;
    p.out_column[n] = column % sum.run;
    p.out_vector[n] = sum.out.strides.gate_offset(sum.order[column / sum.run]) + p.out_column[n];
  }
}

void WeightGradientPass::copy_out(const Sum& sum, const float* memory) const noexcept {
  if (sum.out.strides.unit == 1) return;
  const Share share = share_of(sum);
  for (int panel = share.panels.first; panel < share.panels.last; ++panel) {
    const i64 unit = i64{panel} * sum.run;
    for (int row = share.rows.first; row < share.rows.last; ++row) {
      const float* from = memory + (i64{panel} * sum.rows + row) * sum.width();
      for (int part = 0; part < sum.parts; ++part, from += sum.run)
        give(from, std::min<i64>(sum.run, sum.columns - unit), sum.out, row, sum.order[part], unit);
    }
  }
}

void WeightGradientPass::finish() noexcept {
  if (!begun_) {  // no step counts: zeros
    begin_params();
    add_piece({}, true);
  }
  for_each_sum([&](const Sum& sum, const float* memory) { copy_out(sum, memory); });
  if (plan_.finishes_rows()) {
    if (back_.d_weights.params != nullptr) finish_row_sums({0, cell_.params}, params());
    if (back_.d_weights.b != nullptr) finish_row_sums({cell_.params, cell_.gates}, bias());
  } else if (back_.d_weights.params != nullptr && cell_.params > 0) {
    finish_params();
  }
}

GradientMemory WeightGradientPass::bias() const noexcept {
  const WeightGradients& out = back_.d_weights;
  return {out.b, strides_or_contiguous(out.b_strides, cell_.gates, plan_.units())};
}

GradientMemory WeightGradientPass::params() const noexcept {
  const WeightGradients& out = back_.d_weights;
  return {out.params, strides_or_contiguous(out.params_strides, cell_.params, plan_.units())};
}

Range WeightGradientPass::param_share() const noexcept {
  return even_share(plan_.blocks() * cell_.vectors, crew_.index(), crew_.count());
}

void WeightGradientPass::begin_params() noexcept {
  if (plan_.finishes_rows()) return;  // their sums are by row, and another member may be adding them up here
  const Range share = param_share();
  const int width = plan_.target().width;
  for (int k = 0; k < cell_.params; ++k) {
    std::fill_n(m_.sums.data() + i64{k} * plan_.padded() + share.first * width, share.count() * width, 0.0F);
  }
}

void WeightGradientPass::add_params(Steps steps) noexcept {
  const Range share = param_share();
  ParamGradientArgs p{};
  p.first_vector = share.first;
  p.last_vector = share.last;
  p.sum = m_.sums.data();
  p.sum_param = plan_.padded();
  for (i64 t = steps.first; t < steps.last; ++t) {
    const StepArgs s = back_step_args(plan_, weights_, m_, t, 0);
    p.step = &s;
    p.last_row = m_.active(t);
    cell_.param_gradient(p);
  }
}

void WeightGradientPass::finish_params() const noexcept {
  const Range share = param_share();
  const i64 width = plan_.target().width;
  const i64 unit = share.first * width;
  const i64 filled = std::min<i64>(share.last * width, plan_.units()) - unit;
  for (int k = 0; k < cell_.params; ++k)
    give(m_.sums.data() + i64{k} * plan_.padded() + unit, filled, params(), 0, k, unit);
}

void WeightGradientPass::finish_row_sums(Window places, const GradientMemory& out) const noexcept {
  const int rows = m_.active(0);
  const Range units = even_share(plan_.units(), crew_.index(), crew_.count());
  float* sum = m_.sums.data() + units.first;  // where other cells have the sum of their first parameter
  for (int p = 0; p < places.count; ++p) {
    std::fill_n(sum, units.count(), 0.0F);
    for (int row = 0; row < rows; ++row) {
      const i64 place = i64{row} * cell_.rows.sums + places.first + p;
      const float* from = m_.row_sums.data() + place * plan_.padded() + units.first;
      for (int u = 0; u < units.count(); ++u) sum[u] += from[u];
    }
    give(sum, units.count(), out, 0, p, units.first);
  }
}

void WeightGradientPass::give(
    const float* from, i64 count, const GradientMemory& out, i64 row, int gate, i64 unit) const noexcept {
  const WeightStrides& strides = out.strides;
  float* to = out.data + row * strides.row + strides.gate_offset(gate) + unit * strides.unit;
  for (i64 i = 0; i < count; ++i, to += strides.unit) *to = back_.accumulate ? *to + from[i] : from[i];
}

}  // namespace recurra
