/// The way forward: input products for a chunk of steps, then step by step the recurrent products, each tile
/// finished by the cell while it lies in L1.
#include <algorithm>
#include <string>

#include "recurra/base/error.h"
#include "recurra/engine/jobs.h"
#include "recurra/engine/step_args.h"

namespace recurra {

namespace {

class ForwardPass {
 public:
  ForwardPass(
      const Plan& plan, const PackedWeights& weights, Memory& memory, Split split, Crew& crew) noexcept
      : plan_(plan),
        cell_(plan.cell()),
        weights_(weights),
        m_(memory),
        crew_(crew),
        schedule_(split.schedule) {
    const bool by_rows = split.schedule == Schedule::rows;
    const int rows = m_.running > 0 ? m_.active[0] : 0;
    rows_ = by_rows ? row_share(m_, {0, m_.running}, crew.index(), crew.count()) : Range{0, rows};
    blocks_ = by_rows ? Range{0, plan.blocks()} : even_share(plan.blocks(), crew.index(), crew.count());
    width_panels_ = by_rows ? Range{0, plan.width_panels().count}
                            : even_share(plan.width_panels().count, crew.index(), crew.count());
    waits_ = !by_rows && cell_.dense && crew.count() > 1;
    // Rows of one step fill the tiles; with fewer, the products of several steps are made together.
    by_step_ = by_rows && (crew.count() > 1 || rows_.count() >= 2 * plan.target().most_rows);
  }

  void run() noexcept {
    for (i64 first = 0; first < m_.running; first += m_.chunk) {
      const i64 last = std::min(first + m_.chunk, m_.running);
      // Members finish rows of the chunk before out of each other's blocks.
      if (plan_.finishes_rows()) begin_stage();
      input_products(first, last);
      for (i64 t = first; t < last; ++t) {
        for (int phase = 0; phase < cell_.phases; ++phase) recurrent_product(t, phase);
        if (plan_.projected()) projection(t);
      }
    }
  }

 private:
  void input_products(i64 first, i64 last) noexcept {
    ProductArgs p{};
    p.first_panel = blocks_.first;
    p.last_panel = blocks_.last;
    p.vectors = cell_.input.count * cell_.vectors;
    p.segments = 1;
    p.segment = plan_.input();
    p.w = weights_.in.data();
    p.w_panel = i64{plan_.input()} * cell_.input.count * plan_.run();
    p.lead = weights_.bias.data();
    p.lead_panel = i64{cell_.input.count} * plan_.run();
    p.lead_vectors = p.vectors;
    p.out_panel = m_.gate_block;
    p.columns = plan_.blocks() * cell_.input.count * plan_.run();
    const i64 slot = i64{cell_.input.first} * plan_.run();
    if (!by_step_) {
      p.first_row = 0;
      p.last_row = p.product_rows = static_cast<int>(m_.first[static_cast<std::size_t>(last)] -
                                                     m_.first[static_cast<std::size_t>(first)]);
      p.a = m_.x_all.data() + m_.first[static_cast<std::size_t>(first)];
      p.out = m_.gate_all.data() + m_.first[static_cast<std::size_t>(first)];
      p.out_offset = slot;
      run_product(p);
      return;
    }
    for (i64 t = first; t < last; ++t) {
      set_rows(m_, rows_, t, p);
      p.a = m_.x_all.data() + m_.first[static_cast<std::size_t>(t)];
      p.out = m_.gate.at.data();
      p.out_offset = m_.gate_offset(t) + slot;
      run_product(p);
    }
  }

  void recurrent_product(i64 t, int phase) noexcept {
    StepArgs s = step_args(plan_, weights_, m_, t, phase);
    const Window window = cell_.phase[phase];
    ProductArgs p{};
    set_rows(m_, rows_, t, p);
    p.first_panel = blocks_.first;
    p.last_panel = blocks_.last;
    p.descending = (t & 1) != 0;
    p.vectors = window.count * cell_.vectors;
    if (cell_.dense) {
      recurrent_operand(s, t, phase, p);
      p.segments = 1;
      p.segment = plan_.operand(phase);
      p.w = weights_.state[phase].data();
      p.w_panel = i64{plan_.operand(phase)} * window.count * plan_.run();
    }
    // No initial state, no product: the sum starts and ends with the input part.
    if (!cell_.dense || (t == 0 && phase == 0 && !m_.initial_output)) p.product_rows = 0;
    if (phase == 0 && cell_.separate > 0) {
      p.lead = weights_.params.data();
      p.lead_panel = i64{plan_.packed_params()} * plan_.run();
      p.lead_vectors = cell_.separate * cell_.vectors;
    }
    p.init = m_.gate.at.data();
    p.init_offset = s.gates_offset + i64{window.first} * plan_.run();
    p.init_panel = m_.gate_block;
    if (plan_.finishes_rows()) {
      p.init = nullptr;
      p.out = m_.gate.at.data();
      p.out_offset = p.init_offset;
      p.out_panel = m_.gate_block;
      p.columns = plan_.padded() * window.count;
    } else {
      p.epilogue = cell_.forward[plan_.chosen()][phase];
      p.context = &s;
    }
    begin_stage();
    run_product(p);
    end_stage();
    if (plan_.finishes_rows()) finish_rows(s, t);
    m_.report.work[crew_.index()] += i64{p.last_row - p.first_row} * blocks_.count();
  }

  /// Behind the products of all members: their rows of step t, whole.
  void finish_rows(const StepArgs& s, i64 t) noexcept {
    const Range rows = whole_rows(m_, rows_, schedule_, t, crew_);
    begin_stage();
    if (rows.count() > 0) cell_.rows.forward[plan_.chosen()](s, rows.first, rows.last);
    end_stage();
  }

  void recurrent_operand(const StepArgs& s, i64 t, int phase, ProductArgs& p) const noexcept {
    if (phase > 0) {
      p.a = m_.operand[phase - 1].at.data();
      p.a_offset = t * m_.operand[phase - 1].step;
    } else if (m_.drops_h) {
      p.a = m_.h_dropped_rows.at.data();
      p.a_offset = m_.dropped_offset(t);
    } else {
      p.a = s.h_old;
      p.a_offset = s.h_old_offset;
    }
  }

  void projection(i64 t) noexcept {
    ProductArgs p{};
    set_rows(m_, rows_, t, p);
    p.first_panel = width_panels_.first;
    p.last_panel = width_panels_.last;
    plain_panels(plan_.width_panels(), weights_.projection.data(), plan_.units(), p);
    p.a = m_.before_projection.at.data();
    p.a_offset = t * m_.before_projection.step;
    p.segments = 1;
    p.segment = plan_.units();
    p.out = m_.y.at.data();
    p.out_offset = m_.h_offset(t);
    begin_stage();
    run_product(p);
    end_stage();
  }

  void run_product(ProductArgs& p) noexcept {
    if (p.first_row >= p.last_row) return;
    if (crew_.index() == 0) p.executed = &m_.report.target;
    plan_.target().product(p);
  }

  void begin_stage() noexcept {
    if (waits_) crew_.wait(stage_);
  }

  void end_stage() noexcept {
    ++stage_;
    if (waits_) crew_.publish(stage_);
  }

  const Plan& plan_;
  const CellKernels& cell_;
  const PackedWeights& weights_;
  Memory& m_;
  Crew& crew_;
  Schedule schedule_;
  Range rows_, blocks_, width_panels_;
  bool waits_ = false;
  bool by_step_ = false;
  i64 stage_ = 0;
};

}  // namespace

void begin_forward(const Job& job, bool training, const Execution& execution) {
  job.weights->check(*job.plan, training ? PackedWeights::Use::training : PackedWeights::Use::inference);
  bind_forward(*job.plan, *job.call, execution, training, job.workspace->memory());
}

void run_forward(const Job& job, const Split& split, Crew& crew) noexcept {
  ForwardPass(*job.plan, *job.weights, job.workspace->memory(), split, crew).run();
}

void forward(const Plan& plan,
             const PackedWeights& weights,
             const Call& call,
             Workspace& workspace,
             bool training,
             const Execution& execution) {
  const Job job{&plan, &weights, &call, &workspace};
  begin_forward(job, training, execution);
  run_alone(job, execution);
}

void step(const Plan& plan,
          const PackedWeights& weights,
          i64 batch,
          const float* x,
          float* const* states,
          Workspace& workspace,
          const Execution& execution,
          const float* attention) {
  Call call;
  call.steps = 1;
  call.batch = batch;
  call.x = batch_major(x, 1, plan.input());
  call.attention = batch_major(attention, 1, 1);
  for (int k = 0; k < plan.cell().states; ++k) call.initial[k] = call.final[k] = states[k];
  forward(plan, weights, call, workspace, false, execution);
}

}  // namespace recurra
