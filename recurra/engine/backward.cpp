/// The way back, in chunks of steps from the last to the first: step by step the gate gradients, in the
/// memory of the gates; then, while these are in the caches, the chunk's part of the gradients of input and
/// weights.
#include <algorithm>

#include "recurra/engine/attention.h"
#include "recurra/engine/check_call.h"
#include "recurra/engine/dropout.h"
#include "recurra/engine/jobs.h"
#include "recurra/engine/limit_outputs.h"
#include "recurra/engine/mark.h"
#include "recurra/engine/recompute.h"
#include "recurra/engine/row_pieces.h"
#include "recurra/engine/row_tables.h"
#include "recurra/engine/step_args.h"
#include "recurra/engine/weight_gradients.h"

namespace recurra {

namespace {

// Rows of input gradients made together: their gate gradients and the weights share the second-level cache.
constexpr int input_gradient_rows = 96;

class BackwardPass {
 public:
  BackwardPass(const Plan& plan,
               const PackedWeights& weights,
               const BackwardCall& back,
               Memory& memory,
               Split split,
               Crew& crew,
               Steps steps) noexcept
      : plan_(plan),
        cell_(plan.cell()),
        weights_(weights),
        back_(back),
        m_(memory),
        crew_(crew),
        sums_(plan, weights, back, memory, crew, steps.last < memory.running),
        steps_(steps),
        schedule_(split.schedule) {
    unit_panels_ = panel_share(plan.unit_panels());
    width_panels_ = panel_share(plan.width_panels());
    waits_ = !is_by_rows() && cell_.dense && crew.count() > 1;
  }

  void run() noexcept {
    for (i64 last = steps_.last; last > steps_.first;) {
      const Steps chunk{(last - 1) / m_.back_chunk * m_.back_chunk, last};
      run_chunk(chunk);
      last = chunk.first;
    }
    if (steps_.first == 0) sums_.finish();
  }

 private:
  void run_chunk(Steps chunk) noexcept {
    rows_ =
        is_by_rows() ? row_share(m_, chunk, crew_.index(), crew_.count()) : Range{0, m_.active(chunk.first)};
    if (!m_.keep) {
      if (m_.drops_x || m_.drops_h) crew_.barrier();  // those of the chunk before are no longer read
      drop_operands(chunk);
      recompute_gates(plan_, weights_, chunk, rows_, schedule_, m_, crew_);
    }
    for (i64 t = chunk.last - 1; t >= chunk.first; --t) step_gradient(t);
    if (chunk.first == 0 && cell_.dense && back_.d_initial[0] != nullptr) initial_gradient();
    // What follows reads the gate gradients of all members; the steps of the chunks to come write others.
    crew_.barrier();
    if (m_.keep) drop_operands(chunk);
    if (back_.dx.data != nullptr) input_gradient(chunk);
    sums_.add(chunk);
  }

  /// The operands of the chunk's products as the way forward had them.
  void drop_operands(Steps chunk) noexcept {
    if (!m_.drops_x && !m_.drops_h) return;
    const Range rows = even_share(m_.active(chunk.first), crew_.index(), crew_.count());
    if (m_.drops_x) drop_inputs(plan_, chunk, rows, m_);
    if (m_.drops_h) drop_outputs(plan_, chunk, rows, m_);
    crew_.barrier();
  }

  [[nodiscard]] bool is_by_rows() const noexcept { return schedule_ == Schedule::rows; }

  [[nodiscard]] Range panel_share(const Panels& panels) const noexcept {
    return is_by_rows() ? Range{0, panels.count} : even_share(panels.count, crew_.index(), crew_.count());
  }

  void step_gradient(i64 t) noexcept {
    if (plan_.projected()) output_gradient(t);
    for (int phase = cell_.phases - 1; phase >= 0; --phase) phase_gradient(t, phase);
  }

  /// The operand of what step t + 1 sends back: rows that end at t have none.
  void next_step_operand(i64 t, ProductArgs& p) const noexcept {
    const bool any = cell_.dense && t + 1 < m_.running;
    p.product_rows = any ? std::min(p.last_row, m_.active(t + 1)) : 0;
    if (any) gate_operand(plan_, m_, t + 1, cell_.phase[0], p);
  }

  [[nodiscard]] i64 gate_depth(Window window) const noexcept { return i64{plan_.padded()} * window.count; }

  /// With a projection: gradient of the output of step t, dy and what step t + 1 sends back.
  void output_gradient(i64 t) noexcept {
    ProductArgs p{};
    set_rows(m_, rows_, t, p);
    const Range columns = output_columns(plan_, width_panels_);
    for (int row = p.first_row; row < p.last_row; ++row) {
      const auto at = static_cast<std::size_t>(row);
      float* to = m_.d_proj.at[at] + m_.d_proj_offset(t);
      const bool ends = t + 1 == m_.length[at];
      const float* d_final = back_.d_final[0];
      const float* dy = back_.dy.data != nullptr ? m_.dy.at[at] + t * m_.dy.step : nullptr;
      for (int j = columns.first; j < columns.last; ++j) {
        to[j] = dy != nullptr ? dy[j] : 0.0F;
        if (ends && d_final != nullptr) to[j] += d_final[i64{m_.order[at]} * plan_.width() + j];
      }
    }
    p.first_panel = width_panels_.first;
    p.last_panel = width_panels_.last;
    plain_panels(plan_.width_panels(), weights_.back_state[0].data(), gate_depth(cell_.phase[0]), p);
    p.columns = plan_.width_panels().count * plan_.width_panels().width;
    next_step_operand(t, p);
    p.init = m_.d_proj.at.data();
    p.init_offset = p.out_offset = m_.d_proj_offset(t);
    p.init_panel = p.out_panel;
    p.out = m_.d_proj.at.data();
    run_stage(p, [&] { limit_output_gradients(plan_, m_, t, {p.first_row, p.last_row}, columns); });
  }

  /// What comes back to phase `phase` of step t through a product, finished to gate gradients.
  void phase_gradient(i64 t, int phase) noexcept {
    StepArgs s = back_step_args(plan_, weights_, m_, t, phase);
    if (back_.dy.data != nullptr && !plan_.projected()) {
      s.dy = m_.dy.at.data();
      s.dy_offset = t * m_.dy.step;
    }
    ProductArgs p{};
    set_rows(m_, rows_, t, p);
    p.first_panel = unit_panels_.first;
    p.last_panel = unit_panels_.last;
    p.descending = (t & 1) != 0;
    if (phase < cell_.phases - 1) {
      const Window window = cell_.phase[phase + 1];
      plain_panels(plan_.unit_panels(), weights_.back_state[phase + 1].data(), gate_depth(window), p);
      gate_operand(plan_, m_, t, window, p);
    } else if (plan_.projected()) {
      plain_panels(plan_.unit_panels(), weights_.back_projection.data(), plan_.width(), p);
      p.a = m_.d_proj.at.data();
      p.a_offset = m_.d_proj_offset(t);
      p.segments = 1;
      p.segment = plan_.width();
    } else {
      plain_panels(plan_.unit_panels(), weights_.back_state[0].data(), gate_depth(cell_.phase[0]), p);
      next_step_operand(t, p);
    }
    if (plan_.finishes_rows()) {
      p.out = m_.d_h0.at.data();
      p.columns = plan_.padded();
    } else {
      p.epilogue = cell_.backward[plan_.chosen()][phase];
      p.context = &s;
    }
    run_stage(p);
    if (plan_.finishes_rows()) finish_rows(s, t);
    m_.report.work[crew_.index()] += i64{p.last_row - p.first_row} * unit_panels_.count();
  }

  /// Behind the products of all members: their rows of step t, whole.
  void finish_rows(const StepArgs& s, i64 t) noexcept {
    const Range rows = whole_rows(m_, rows_, schedule_, t, crew_);
    if (waits_) crew_.wait(stage_);
    if (rows.count() > 0) cell_.rows.backward[plan_.chosen()](s, rows.first, rows.last);
    ++stage_;
    if (waits_) crew_.publish(stage_);
  }

  /// Gradient of h0: the direct part, and what the first step sends back.
  void initial_gradient() noexcept {
    const Panels& panels = plan_.operand_panels(0);
    const Range share = plan_.projected() ? width_panels_ : unit_panels_;
    ProductArgs p{};
    set_rows(m_, rows_, 0, p);
    p.first_panel = share.first;
    p.last_panel = share.last;
    plain_panels(panels, weights_.back_state[0].data(), gate_depth(cell_.phase[0]), p);
    p.columns = panels.count * panels.width;
    gate_operand(plan_, m_, 0, cell_.phase[0], p);
    p.out = m_.d_h0.at.data();
    run_stage(p);
  }

  /// This member's part of the rows of the chunk's steps.
  void input_gradient(Steps chunk) noexcept {
    const i64 all = m_.rows_before(chunk.last) - m_.rows_before(chunk.first);
    const i64 first = all * crew_.index() / crew_.count();
    const i64 last = all * (crew_.index() + 1) / crew_.count();
    ProductArgs p{};
    plain_panels(plan_.input_panels(), weights_.back_in.data(), gate_depth(cell_.input), p);
    p.last_panel = plan_.input_panels().count;
    p.a_offset = i64{cell_.input.first} * plan_.run();
    p.segments = plan_.blocks();
    p.segment = cell_.input.count * plan_.run();
    p.segment_stride = m_.gate_block;
    for_each_piece(
        m_, {.steps = chunk, .first = first, .last = last}, input_gradient_rows, [&](const RowPiece& piece) {
          const float* gates[input_gradient_rows];
          float* dx[input_gradient_rows];
          piece.list(gates, [&](i64 t) { return m_.gates_at(t); });
          if (m_.scattered) {
            piece.list_sequence(m_, m_.dx, dx);
          } else {
            piece.list(dx, [&](i64 t) { return StepRows<float>{m_.dx_rows.at.data(), t * m_.dx_rows.step}; });
          }
          p.a = gates;
          p.out = dx;
          p.last_row = p.product_rows = piece.count;
          plan_.target().product(p);
        });
  }

  void run_stage(ProductArgs& p) noexcept {
    run_stage(p, [] {});
  }

  /// The same, and what is to be done with its results before others see them.
  template <class Finish>
  void run_stage(ProductArgs& p, Finish finish) noexcept {
    if (waits_) crew_.wait(stage_);
    if (crew_.index() == 0) p.executed = &m_.report.target;
    if (p.first_row < p.last_row) plan_.target().product(p);
    finish();
    ++stage_;
    if (waits_) crew_.publish(stage_);
  }

  const Plan& plan_;
  const CellKernels& cell_;
  const PackedWeights& weights_;
  const BackwardCall& back_;
  Memory& m_;
  Crew& crew_;
  WeightGradientPass sums_;
  Steps steps_;
  Schedule schedule_;
  Range rows_, unit_panels_, width_panels_;
  bool waits_ = false;
  i64 stage_ = 0;
};

/// dx of one sorted row: times the input's dropout, and 0 where a step does not count.
void finish_input_gradient(
    const Plan& plan, const Call& call, const BackwardCall& back, i64 row, const Memory& m) noexcept {
  const i64 length = m.length[index(row)];
  const i64 original = m.order[index(row)];
  const float* factor = call.x_dropout != nullptr ? call.x_dropout + original * plan.input() : nullptr;
  if (length == m.steps && factor == nullptr) return;
  const bool reverse = plan.recurrence().reverse;
  i64 next = 0;  // of the steps that count, in the order of processing
  for (i64 p = 0; p < m.steps; ++p) {
    const i64 time = reverse ? m.steps - 1 - p : p;
    float* to = back.dx.data + time * back.dx.step_stride + original * back.dx.row_stride;
    if (next == length || m.time_of(next, row) != time) {
      std::fill_n(to, plan.input(), 0.0F);
      continue;
    }
    ++next;
    for (i64 k = 0; factor != nullptr && k < plan.input(); ++k) to[k] *= factor[k];
  }
}

}  // namespace

void check_backward(const Job& job, const Execution& execution) {
  const Memory& m = job.workspace->memory();
  job.weights->check(*job.plan, PackedWeights::Use::training);
  check_filled(*job.plan, *job.call, m);
  check_call(*job.plan, *job.call, execution, true, m);
  check_same_call(*job.call, m);
  check_attention_gradient(*job.plan, *job.back);
  check_extras(*job.plan, *job.back, m.room);
}

void begin_backward(const Job& job) noexcept {
  Memory& m = job.workspace->memory();
  clear_mark(m);
  bind_backward(*job.plan, *job.call, *job.back, m);
}

void run_backward(const Job& job, const Split& split, Crew& crew, Steps steps) noexcept {
  BackwardPass(*job.plan, *job.weights, *job.back, job.workspace->memory(), split, crew, steps).run();
}

/// Gradients of the initial states and of the attention to the caller's rows; steps of dx behind each row's
/// end become 0.
void finish_gradients(const Job& job) noexcept {
  const Plan& plan = *job.plan;
  const BackwardCall& back = *job.back;
  Memory& m = job.workspace->memory();
  for (i64 row = 0; row < m.batch; ++row) {
    const auto at = static_cast<std::size_t>(row);
    const i64 original = m.order[at];
    for (int k = 0; k < plan.cell().states; ++k) {
      if (back.d_initial[k] == nullptr) continue;
      const i64 width = k == 0 ? plan.width() : plan.units();
      float* to = back.d_initial[k] + original * width;
      const float* direct = m.d_states[k].data() + row * plan.padded();
      const bool projected = k == 0 && plan.projected();
      for (i64 j = 0; j < width; ++j) {
        float sum = projected ? 0.0F : direct[j];
        if (k == 0 && plan.cell().dense && m.length[at] > 0)
          sum += m.d_h0.at[at][j] * (m.drops_h ? m.h_factor[at][j] : 1.0F);
        if (projected && m.length[at] == 0 && back.d_final[0] != nullptr)
          sum = back.d_final[0][original * width + j];
        to[j] = sum;
      }
    }
    if (back.dx.data != nullptr) finish_input_gradient(plan, *job.call, back, row, m);
  }
  finish_attention_gradient(plan, back, m);
}

void backward(const Plan& plan,
              const PackedWeights& weights,
              const Call& call,
              const BackwardCall& back,
              Workspace& workspace,
              const Execution& execution) {
  const Job job{&plan, &weights, &call, &workspace, &back};
  check_backward(job, execution);
  begin_backward(job);
  run_jobs({&job, 1}, execution);
}

}  // namespace recurra
