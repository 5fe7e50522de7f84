#include "recurra/engine/stack_calls.h"

#include <algorithm>
#include <string>

#include "recurra/base/error.h"

namespace recurra {

namespace {

void check_attention(const StackPlan& plan, const StackCall& call) {
  const bool given = call.attention.data != nullptr;
  if (given == plan.attention() || call.steps == 0 || call.batch == 0) return;
  throw Error(
      ErrorCode::invalid_argument,
      "attention",
      given ? "none for a stack whose cells take none" : "a sequence for a stack whose cells take one",
      given ? "a sequence" : "null");
}

}  // namespace

void check_runs(const StackPlan& plan, std::size_t runs) {
  if (runs == 0 || runs == plan.plans().size()) return;
  throw Error(ErrorCode::invalid_argument,
              "runs",
              "none or " + std::to_string(plan.plans().size()) + ", one for each layer and direction",
              std::to_string(runs));
}

StackCalls::StackCalls(const StackPlan& plan,
                       const StackPacks& weights,
                       const StackCall& call,
                       StackWorkspace& workspace)
    : plan_(plan), weights_(weights), call_(call), workspace_(workspace) {
  weights.check(plan);
  workspace.check(plan, call);
  check_runs(plan, call.runs.size());
  check_attention(plan, call);
}

Sequence StackCalls::outputs(int layer, Steps part) const noexcept {
  if (is_top(layer) && !plan_.adds(layer)) return from_step(call_.y, part.first);
  // What training keeps is kept in any case.
  if (is_top(layer) && call_.y.data == nullptr && !workspace_.room().training) return {};
  const i64 width = i64{plan_.plan(layer, 0).width()} * plan_.directions();
  if (wave_ > 0) {
    const i64 turn = part.first / wave_ % 2;
    return time_major(
        workspace_.wave_outputs(layer).data() + turn * wave_ * call_.batch * width, call_.batch, width);
  }
  return time_major(workspace_.outputs(layer).data(), call_.batch, width);
}

Sequence StackCalls::joined(int layer, Steps part) const noexcept {
  if (!plan_.adds(layer)) return outputs(layer, part);
  return is_top(layer) ? from_step(call_.y, part.first)
                       : time_major(workspace_.sums().data(), call_.batch, plan_.width(layer));
}

Call StackCalls::of(int layer, int d, Steps part) const noexcept {
  const Plan& plan = plan_.plan(layer, d);
  const bool whole = part.first == 0 && part.last == call_.steps;
  Call call;
  call.steps = part.last - part.first;
  call.batch = call_.batch;
  call.lengths =
      whole || call_.lengths == nullptr ? call_.lengths : workspace_.lengths(index(layer, d)).data();
  call.mask = call_.mask;
  call.fill = call_.fill;
  if (layer == 0) {
    call.x = from_step(call_.x, part.first);
  } else {
    Sequence below = joined(layer - 1, part);
    if (plan_.independent()) below = side(below, d, plan.input());
    call.x = {below.data, below.step_stride, below.row_stride};
  }
  call.y = side(outputs(layer, part), d, plan.width());
  if (plan.cell().attention) call.attention = from_step(call_.attention, part.first);
  const StackRun run = call_.runs.empty() ? StackRun{} : call_.runs[index(layer, d)];
  const bool begins = plan.recurrence().reverse ? part.last == call_.steps : part.first == 0;
  const bool ends = plan.recurrence().reverse ? part.first == 0 : part.last == call_.steps;
  for (int k = 0; k < max_states; ++k) {
    float* carried = whole || k >= plan.cell().states ? nullptr : workspace_.carried(index(layer, d), k);
    call.initial[k] = begins ? run.initial[k] : carried;
    call.final[k] = ends ? run.final[k] : carried;
    call.states[k] = from_step(run.states[k], part.first);
    call.zoneout[k] = from_step(run.zoneout[k], part.first);
  }
  if (call.y.data == nullptr) call.y = from_step(run.y, part.first);
  call.x_dropout = run.x_dropout;
  call.h_dropout = run.h_dropout;
  return call;
}

Job StackCalls::job(int layer, int d, const Call& call) const noexcept {
  const auto at = static_cast<int>(index(layer, d));
  return {&plan_.plan(layer, d), &weights_.at(at), &call, &workspace_.run(at)};
}

void StackCalls::cut_lengths(int layer, int d, Steps part) const noexcept {
  if (call_.lengths == nullptr || (part.first == 0 && part.last == call_.steps)) return;
  const std::span<int> cut = workspace_.lengths(index(layer, d));
  for (i64 row = 0; row < call_.batch; ++row) {
    const i64 left = std::clamp<i64>(call_.lengths[row] - part.first, 0, part.last - part.first);
    cut[static_cast<std::size_t>(row)] = static_cast<int>(left);
  }
}

void StackCalls::give_output(int layer, int d, const Sequence& from, Steps part) const noexcept {
  if (call_.runs.empty()) return;
  const Sequence to = from_step(call_.runs[index(layer, d)].y, part.first);
  if (to.data == nullptr || to.data == from.data) return;
  const i64 width = plan_.plan(layer, d).width();
  for_each_row(part.last - part.first, call_.batch, from, to, [&](const float* a, float* b) {
    std::copy_n(a, width, b);
  });
}

void StackCalls::join(int layer, int d, Steps part, bool is_first) const noexcept {
  const i64 width = plan_.width(layer);
  const Sequence from = side(outputs(layer, part), d, width);
  for_each_row(part.last - part.first, call_.batch, from, joined(layer, part), [&](const float* a, float* b) {
    for (i64 k = 0; k < width; ++k) b[k] = is_first ? a[k] : b[k] + a[k];
  });
}

}  // namespace recurra
