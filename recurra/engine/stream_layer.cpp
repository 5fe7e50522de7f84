#include "recurra/engine/stream_layer.h"

#include <algorithm>
#include <functional>

#include "recurra/engine/step_args.h"

namespace recurra {

Stream::Layer::Layer(const Plan& plan, const PackedWeights& weights, i64 batch, const Execution& execution)
    : plan_(&plan), weights_(&weights), batch_(batch) {
  workspace_.prepare(plan, {.steps = 1, .batch = batch, .takes_y = true});
  for (AlignedBuffer<float>& output : outputs_) output = AlignedBuffer<float>(batch * plan.width());
  for (int k = 1; k < states(); ++k) carried_[k - 1].resize(static_cast<std::size_t>(batch * width(k)));
  // Tables for one step are made here. Every step then puts other pointers into them; its input is here
  // only so that there is one.
  call_.steps = 1;
  call_.batch = batch;
  call_.initial[0] = outputs_[0].data();
  call_.y = time_major(outputs_[1].data(), batch, plan.width());
  call_.x = {outputs_[0].data(), 0, 0};
  if (plan.cell().attention) call_.attention = call_.x;
  check_forward(job(), false, execution);
  begin_forward(job(), false, execution);
  Memory& m = workspace_.memory();
  for (int k = 1; k < states(); ++k) further_states_[k - 1] = m.states[k - 1].data();
  split_ = choose_split(plan, execution, m, plan.blocks(), false);
  if (split_.threads > 1) team_ = &team_of(execution);  // now, since a step must not throw
  if (batch == 1 && split_.threads == 1 && !plan.projected()) row_step_ = plan.cell().row_step[plan.chosen()];
  if (row_step_ != nullptr) row_ = row_step_args(plan, weights, m, 0, 0, {0, plan.blocks()});
  row_.executed = &m.report.target;
  m.report.threads = split_.threads;
  m.report.schedule = split_.schedule;
  m.report.own_activations = plan.chosen() == 0;
}

const float* Stream::Layer::step(const float* x, const float* attention, float* y) noexcept {
  if (row_step_ != nullptr) return step_of_a_row(x, attention, y);
  Memory& m = workspace_.memory();
  const float* before = output();
  float* after = outputs_[1 - now_].data();
  for (i64 row = 0; row < batch_; ++row) {
    const auto at = static_cast<std::size_t>(row);
    m.x_rows.at[at] = x + row * plan_->input();
    m.h0.at[at] = before + row * plan_->width();
    m.y.at[at] = after + row * plan_->width();
    if (plan_->cell().attention) m.attention.at[at] = attention + row;
  }
  const Job job = this->job();
  const auto work = [&](Crew& crew) {
    run_forward(job, split_, crew, {0, 1});
  };
  if (team_ != nullptr) {
    team_->run(split_.threads, work);
  } else {
    detail::MemberFlags flags;
    Crew crew(0, 1, 0, &flags);
    work(crew);
  }
  now_ = 1 - now_;
  if (y != nullptr) std::copy_n(after, batch_ * plan_->width(), y);
  return after;
}

/// As `step`, for a row alone on one thread. What it touches should be little: the weights of a small cell
/// fill the first-level cache.
const float* Stream::Layer::step_of_a_row(const float* x, const float* attention, float* y) noexcept {
  before_ = output();
  now_ = 1 - now_;
  after_ = output();
  attention_ = attention;
  row_.x = x;
  row_.h = before_;
  row_.descending = now_ != 0;
  row_.step.h_old = &before_;
  row_.step.h_new = &after_;
  // Outputs leave block by block while later blocks read x.
  const std::less<const float*> before;
  const bool over_x = y != nullptr && before(y, x + plan_->input()) && before(x, y + plan_->width());
  row_.step.h_copy = over_x ? nullptr : y;
  row_.step.attention = {&attention_, 0};
  row_step_(row_);
  row_.executed = nullptr;  // once is enough
  if (over_x) std::copy_n(after_, plan_->width(), y);
  return after_;
}

std::span<float> Stream::Layer::state(int k, i64 row) noexcept {
  float* at = k == 0 ? output() + row * width(0) : further_states_[k - 1] + row * plan_->padded();
  return {at, static_cast<std::size_t>(width(k))};
}

std::span<const float> Stream::Layer::state(int k, i64 row) const noexcept {
  const float* at = k == 0 ? output() + row * width(0) : further_states_[k - 1] + row * plan_->padded();
  return {at, static_cast<std::size_t>(width(k))};
}

void Stream::Layer::carry_out() noexcept {
  for (int k = 1; k < states(); ++k) {
    for (i64 row = 0; row < batch_; ++row) std::ranges::copy(state(k, row), carried(k) + row * width(k));
  }
}

void Stream::Layer::carry_in() noexcept {
  for (int k = 1; k < states(); ++k) {
    for (i64 row = 0; row < batch_; ++row)
      std::copy_n(carried(k) + row * width(k), width(k), state(k, row).data());
  }
}

}  // namespace recurra
