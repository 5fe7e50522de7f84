/// The way forward: input products for a chunk of steps, then step by step the recurrent products, each tile
/// finished by the cell while it lies in L1.
#include <algorithm>
#include <string>

#include "recurra/base/error.h"
#include "recurra/engine/check_call.h"
#include "recurra/engine/dropout.h"
#include "recurra/engine/input_ahead.h"
#include "recurra/engine/jobs.h"
#include "recurra/engine/limit_outputs.h"
#include "recurra/engine/step_args.h"
#include "recurra/engine/step_products.h"

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
        products_(plan, weights, memory, crew),
        inputs_(plan, memory, products_),
        schedule_(split.schedule) {
    const bool by_rows = is_by_rows();
    const int rows = m_.active(0);
    rows_ = by_rows ? row_share(m_, {0, m_.running}, crew.index(), crew.count()) : Range{0, rows};
    blocks_ = by_rows ? Range{0, plan.blocks()} : even_share(plan.blocks(), crew.index(), crew.count());
    width_panels_ = by_rows ? Range{0, plan.width_panels().count}
                            : even_share(plan.width_panels().count, crew.index(), crew.count());
    waits_ = !by_rows && cell_.dense && crew.count() > 1;
  }

  void run(Steps steps) noexcept {
    for (i64 first = steps.first; first < steps.last; first += m_.chunk) {
      const Steps chunk{first, std::min(first + m_.chunk, steps.last)};
      // Members finish rows of the chunk before out of each other's blocks.
      if (plan_.finishes_rows()) begin_stage();
      if (m_.drops_x) drop_chunk(chunk);
      if (is_step_of_a_row(chunk)) {
        row_step(chunk.first);
        continue;
      }
      inputs_.start(chunk, rows_, blocks_);
      for (i64 t = chunk.first; t < chunk.last; ++t) {
        inputs_.reach(t);
        for (int phase = 0; phase < cell_.phases; ++phase) phase_products(t, phase);
        if (plan_.projected()) projection(t);
      }
    }
  }

 private:
  [[nodiscard]] bool is_by_rows() const noexcept { return schedule_ == Schedule::rows; }

  /// The chunk's inputs after dropout. Members that split the units share the work and read all of it.
  void drop_chunk(Steps chunk) noexcept {
    if (is_by_rows()) return drop_inputs(plan_, chunk, rows_, m_);
    crew_.barrier();
    drop_inputs(plan_, chunk, even_share(m_.active(chunk.first), crew_.index(), crew_.count()), m_);
    crew_.barrier();
  }

  /// Whether both products and the cell go in one pass: what lies between them is kept for no way back.
  [[nodiscard]] bool is_step_of_a_row(Steps chunk) const noexcept {
    return cell_.row_step[plan_.chosen()] != nullptr && chunk.last - chunk.first == 1 && rows_.count() == 1 &&
           rows_.first < m_.active(chunk.first) && !m_.training && !m_.scattered;
  }

  void row_step(i64 t) noexcept {
    RowStepArgs a = row_step_args(plan_, weights_, m_, t, rows_.first, blocks_);
    if (crew_.index() == 0) a.executed = &m_.report.target;
    begin_stage();
    if (blocks_.count() > 0) cell_.row_step[plan_.chosen()](a);
    end_stage();
    m_.report.work[crew_.index()] += blocks_.count();
    if (plan_.projected()) projection(t);
  }

  void phase_products(i64 t, int phase) noexcept {
    const StepArgs s = step_args(plan_, weights_, m_, t, phase);
    begin_stage();
    products_.recurrent(s, t, phase, rows_, blocks_, inputs_.beside());
    end_stage();
    if (plan_.finishes_rows()) finish_rows(s, t);
    const int active = m_.active(t);
    m_.report.work[crew_.index()] +=
        i64{std::min(rows_.last, active) - std::min(rows_.first, active)} * blocks_.count();
  }

  /// Behind the products of all members: their rows of step t, whole.
  void finish_rows(const StepArgs& s, i64 t) noexcept {
    const Range rows = whole_rows(m_, rows_, schedule_, t, crew_);
    begin_stage();
    if (rows.count() > 0) cell_.rows.forward[plan_.chosen()](s, rows.first, rows.last);
    end_stage();
  }

  void projection(i64 t) noexcept {
    ProductArgs p{};
    set_rows(m_, rows_, t, p);
    p.first_panel = width_panels_.first;
    p.last_panel = width_panels_.last;
    plain_panels(plan_.width_panels(), weights_.projection.data(), plan_.units(), p);
    p.a = m_.before_projection.at.data();
    p.a_offset = m_.before_projection_offset(t);
    p.segments = 1;
    p.segment = plan_.units();
    p.out = m_.y.at.data();
    p.out_offset = m_.h_offset(t);
    begin_stage();
    products_.run(p);
    limit_outputs(plan_, m_, t, {p.first_row, p.last_row}, output_columns(plan_, width_panels_));
    end_stage();
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
  StepProducts products_;
  InputAhead inputs_;
  Schedule schedule_;
  Range rows_, blocks_, width_panels_;
  bool waits_ = false;
  i64 stage_ = 0;
};

}  // namespace

void check_forward(const Job& job, bool training, const Execution& execution) {
  job.weights->check(*job.plan, training ? PackedWeights::Use::training : PackedWeights::Use::inference);
  check_call(*job.plan, *job.call, execution, training, job.workspace->memory());
}

void begin_forward(const Job& job, bool training, const Execution& execution) noexcept {
  bind_forward(*job.plan, *job.call, execution, training, job.workspace->memory());
}

void run_forward(const Job& job, const Split& split, Crew& crew, Steps steps) noexcept {
  ForwardPass(*job.plan, *job.weights, job.workspace->memory(), split, crew).run(steps);
}

void forward(const Plan& plan,
             const PackedWeights& weights,
             const Call& call,
             Workspace& workspace,
             bool training,
             const Execution& execution) {
  const Job job{&plan, &weights, &call, &workspace};
  check_forward(job, training, execution);
  begin_forward(job, training, execution);
  run_jobs({&job, 1}, execution);
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
