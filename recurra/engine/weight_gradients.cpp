#include "recurra/engine/weight_gradients.h"

#include <algorithm>

#include "recurra/engine/schedule.h"
#include "recurra/engine/step_args.h"

namespace recurra {

namespace {

/// Where a gradient's columns go: gates of `order`, or plain columns where it is null.
struct Columns {
  const int* order = nullptr;
  int count = 0;
};

class WeightGradientPass {
 public:
  WeightGradientPass(
      const Plan& plan, const PackedWeights& weights, bool accumulate, Memory& memory, Crew& crew) noexcept
      : plan_(plan),
        cell_(plan.cell()),
        weights_(weights),
        accumulate_(accumulate),
        m_(memory),
        crew_(crew),
        all_(m_.running > 0 ? m_.first[static_cast<std::size_t>(m_.running)] : 0),
        sum_(m_.sums.data()) {}

  void run(const WeightGradients& out) noexcept {
    const Columns input{cell_.input_order, cell_.input.count};
    if (out.W != nullptr) gates(m_.x_all.data(), plan_.input(), cell_.input, input, 0, out.W);
    if (out.b != nullptr) gates(nullptr, 1, cell_.input, input, 0, out.b);
    for (int p = 0; out.U != nullptr && cell_.dense && p < cell_.phases; ++p) {
      const float* const* operand = p == 0 ? m_.h_all.data() : m_.operand_all[p - 1].data();
      // Without an initial state the first step's operand is zero.
      const i64 first = p == 0 && !m_.initial_output && m_.running > 0 ? m_.active[0] : 0;
      const Columns columns{cell_.state_order + plan_.order_offset(p), cell_.phase[p].count};
      gates(operand, plan_.operand(p), cell_.phase[p], columns, first, out.U);
    }
    if (out.P != nullptr && plan_.projected()) projection(out.P);
    if (out.params != nullptr && cell_.params > 0) params(out.params);
  }

 private:
  /// One gradient of gates: rows of a by the gates of `window`.
  void gates(
      const float* const* a, int rows, Window window, Columns columns, i64 first, float* out) noexcept {
    GradientArgs p{};
    p.a = a;
    p.g = m_.gate_all.data();
    p.g_offset = i64{window.first} * plan_.run();
    p.g_panel = m_.gate_block;
    p.vectors = window.count * cell_.vectors;
    p.first_k = std::min(first, all_);
    make(p, rows, plan_.blocks(), window.count * plan_.run());
    for (int block = p.first_panel; block < p.last_panel; ++block) {
      const i64 unit = i64{block} * plan_.run();
      const i64 filled = std::min<i64>(plan_.run(), plan_.units() - unit);
      for (int row = p.first_row; row < p.last_row; ++row) {
        const float* from = p.sum + block * p.sum_panel + i64{row} * window.count * plan_.run();
        for (int g = 0; g < columns.count; ++g, from += plan_.run()) {
          give(from, filled, out + (i64{row} * cell_.gates + columns.order[g]) * plan_.units() + unit);
        }
      }
    }
  }

  void projection(float* out) noexcept {
    const Panels& panels = plan_.width_panels();
    GradientArgs p{};
    p.a = m_.unprojected_all.data();
    p.g = m_.d_proj_all.data();
    p.g_panel = panels.width;
    p.vectors = panels.vectors;
    make(p, plan_.units(), panels.count, panels.width);
    for (int panel = p.first_panel; panel < p.last_panel; ++panel) {
      const i64 column = i64{panel} * panels.width;
      for (int row = p.first_row; row < p.last_row; ++row) {
        give(p.sum + panel * p.sum_panel + i64{row} * panels.width,
             std::min<i64>(panels.width, plan_.width() - column),
             out + i64{row} * plan_.width() + column);
      }
    }
  }

  void params(float* out) noexcept {
    const Range share = even_share(plan_.blocks() * cell_.vectors, crew_.index(), crew_.count());
    ParamGradientArgs p{};
    p.first_vector = share.first;
    p.last_vector = share.last;
    p.sum = sum_;
    p.sum_param = plan_.padded();
    const int width = plan_.target().width;
    for (int k = 0; k < cell_.params; ++k) {
      std::fill_n(sum_ + k * p.sum_param + share.first * width, share.count() * width, 0.0F);
    }
    for (i64 t = 0; t < m_.running; ++t) {
      const StepArgs s = step_args(plan_, weights_, m_, t, 0);
      p.step = &s;
      p.last_row = m_.active[static_cast<std::size_t>(t)];
      cell_.param_gradient(p);
    }
    const i64 unit = i64{share.first} * width;
    const i64 filled = std::min<i64>(i64{share.last} * width, plan_.units()) - unit;
    for (int k = 0; k < cell_.params; ++k)
      give(sum_ + k * p.sum_param + unit, filled, out + k * i64{plan_.units()} + unit);
  }

  /// Sums for this member's panels, or, where panels do not divide evenly, for its rows of all panels.
  void make(GradientArgs& p, int rows, int panels, int width) noexcept {
    const bool by_panels = panels % crew_.count() == 0 || panels >= 8 * crew_.count();
    const Range panel_share = by_panels ? even_share(panels, crew_.index(), crew_.count()) : Range{0, panels};
    const Range row_share = by_panels ? Range{0, rows} : even_share(rows, crew_.index(), crew_.count());
    p.last_k = all_;
    p.first_row = row_share.first;
    p.last_row = row_share.last;
    p.first_panel = panel_share.first;
    p.last_panel = panel_share.last;
    p.sum = sum_;
    p.sum_panel = i64{rows} * width;
    sum_ += panels * p.sum_panel;
    plan_.target().gradient(p);
  }

  void give(const float* from, i64 count, float* to) const noexcept {
    if (!accumulate_) {
      std::copy_n(from, std::max<i64>(count, 0), to);
      return;
    }
    for (i64 i = 0; i < count; ++i) to[i] += from[i];
  }

  const Plan& plan_;
  const CellKernels& cell_;
  const PackedWeights& weights_;
  bool accumulate_;
  Memory& m_;
  Crew& crew_;
  i64 all_;
  float* sum_;
};

}  // namespace

void weight_gradients(const Plan& plan,
                      const PackedWeights& weights,
                      const WeightGradients& out,
                      bool accumulate,
                      Memory& memory,
                      Crew& crew) noexcept {
  WeightGradientPass(plan, weights, accumulate, memory, crew).run(out);
}

}  // namespace recurra
