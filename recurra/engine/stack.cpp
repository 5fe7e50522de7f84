#include "recurra/engine/stack.h"

#include <algorithm>
#include <string>

#include "recurra/base/error.h"
#include "recurra/engine/jobs.h"

namespace recurra {

namespace {

template <class Runs>
void check_runs(const StackPlan& plan, const Runs& runs) {
  if (runs.empty() || runs.size() == plan.plans().size()) return;
  throw Error(ErrorCode::invalid_argument,
              "runs",
              "none or " + std::to_string(plan.plans().size()) + ", one for each layer and direction",
              std::to_string(runs.size()));
}

void check_attention(const StackPlan& plan, const StackCall& call) {
  const bool given = call.attention.data != nullptr;
  if (given == plan.attention() || call.steps == 0 || call.batch == 0) return;
  throw Error(
      ErrorCode::invalid_argument,
      "attention",
      given ? "none for a stack whose cells take none" : "a sequence for a stack whose cells take one",
      given ? "a sequence" : "null");
}

/// A stack's call, cut into those of its layers and directions.
class StackPass {
 public:
  StackPass(const StackPlan& plan,
            const StackPacks& weights,
            const StackCall& call,
            StackWorkspace& workspace,
            const Execution& execution)
      : plan_(plan), weights_(weights), call_(call), workspace_(workspace), execution_(execution) {
    workspace.check(plan, call);
    check_runs(plan, call.runs);
    check_attention(plan, call);
  }

  void forward(bool training) {
    for (int layer = 0; layer < plan_.layers(); ++layer) {
      Call calls[2];
      Job jobs[2];
      for (int d = 0; d < plan_.directions(); ++d) {
        calls[d] = call_of(layer, d);
        jobs[d] = job_of(layer, d, calls[d]);
        begin_forward(jobs[d], training, execution_);
      }
      run(jobs);
      for (int d = 0; d < plan_.directions() && !call_.runs.empty(); ++d) give_output(layer, d, calls[d].y);
      if (plan_.adds(layer) && joined(layer).data != nullptr) add_outputs(layer);
    }
  }

  void backward(const StackBackwardCall& back) {
    check_runs(plan_, back.runs);
    check_room(back);
    check_layers(back);
    begin_attention_gradient(back);
    ConstSequence dy = back.dy;
    for (int layer = plan_.layers() - 1; layer >= 0; --layer) {
      const Sequence dx = layer > 0 ? gradient(layer) : back.dx;
      Call calls[2];
      BackwardCall backs[2];
      Job jobs[2];
      for (int d = 0; d < plan_.directions(); ++d) {
        calls[d] = call_of(layer, d);
        backs[d] = back_of(layer, d, back, dy, dx);
        jobs[d] = job_of(layer, d, calls[d]);
        jobs[d].back = &backs[d];
        begin_backward(jobs[d]);
      }
      run(jobs);
      for (const BackwardCall& one : std::span(backs)) {
        if (one.d_attention.data != nullptr) add(one.d_attention, back.d_attention, 1);
      }
      if (dx.data != nullptr && adds_gradients(layer)) add(backs[1].dx, dx, plan_.plan(layer, 0).input());
      dy = {dx.data, dx.step_stride, dx.row_stride};
    }
  }

 private:
  [[nodiscard]] bool is_top(int layer) const noexcept { return layer + 1 == plan_.layers(); }

  /// Whether both directions have the same input, so that its gradient is a sum.
  [[nodiscard]] bool adds_gradients(int layer) const noexcept {
    return plan_.directions() == 2 && !(plan_.independent() && layer > 0);
  }

  /// What a layer's directions write, side by side: at the top the caller's memory.
  [[nodiscard]] Sequence outputs(int layer) noexcept {
    if (is_top(layer) && !plan_.adds(layer)) return call_.y;
    if (is_top(layer) && call_.y.data == nullptr) return {};
    const i64 width = i64{plan_.plan(layer, 0).width()} * plan_.directions();
    return time_major(workspace_.outputs(layer).data(), call_.batch, width);
  }

  /// A layer's output as the next one sees it.
  [[nodiscard]] Sequence joined(int layer) noexcept {
    if (!plan_.adds(layer)) return outputs(layer);
    return is_top(layer) ? call_.y
                         : time_major(workspace_.sums(layer).data(), call_.batch, plan_.width(layer));
  }

  /// A layer and direction's own output to the caller, where it was not written there.
  void give_output(int layer, int d, const Sequence& from) const noexcept {
    const Sequence& to = call_.runs[index(layer, d)].y;
    if (to.data == nullptr || to.data == from.data) return;
    for (i64 t = 0; t < call_.steps; ++t) {
      for (i64 row = 0; row < call_.batch; ++row) {
        std::copy_n(from.data + t * from.step_stride + row * from.row_stride,
                    plan_.plan(layer, d).width(),
                    to.data + t * to.step_stride + row * to.row_stride);
      }
    }
  }

  /// All layers, before the first takes what its forward left.
  void check_layers(const StackBackwardCall& back) {
    for (int layer = 0; layer < plan_.layers(); ++layer) {
      for (int d = 0; d < plan_.directions(); ++d) {
        const Call call = call_of(layer, d);
        const BackwardCall one = back_of(layer, d, back, {}, {});
        Job job = job_of(layer, d, call);
        job.back = &one;
        check_backward(job, execution_);
      }
    }
  }

  void check_room(const StackBackwardCall& back) const {
    const bool asked = std::ranges::any_of(back.runs, [](auto& run) { return run.dy.data != nullptr; });
    if (!asked || workspace_.room().states) return;
    throw Error(
        ErrorCode::invalid_argument, "workspace", "one prepared for states of every step", "one that is not");
  }

  /// The gradient of a direction's output: what flows back to it, and the caller's of it alone.
  [[nodiscard]] ConstSequence output_gradient(const ConstSequence& above,
                                              const ConstSequence& own,
                                              int d,
                                              i64 width) noexcept {
    if (own.data == nullptr) return above;
    if (above.data == nullptr) return own;
    const Sequence sum = time_major(workspace_.output_gradient(d).data(), call_.batch, width);
    for (i64 t = 0; t < call_.steps; ++t) {
      for (i64 row = 0; row < call_.batch; ++row) {
        const float* a = above.data + t * above.step_stride + row * above.row_stride;
        const float* b = own.data + t * own.step_stride + row * own.row_stride;
        float* to = sum.data + t * sum.step_stride + row * sum.row_stride;
        for (i64 k = 0; k < width; ++k) to[k] = a[k] + b[k];
      }
    }
    return {sum.data, sum.step_stride, sum.row_stride};
  }

  void begin_attention_gradient(const StackBackwardCall& back) const {
    const Sequence& sum = back.d_attention;
    if (sum.data == nullptr) return;
    if (!plan_.attention()) {
      throw Error(
          ErrorCode::invalid_argument, "d_attention", "none for a stack whose cells take none", "a sequence");
    }
    for (i64 t = 0; t < call_.steps; ++t) {
      for (i64 row = 0; row < call_.batch; ++row) sum.data[t * sum.step_stride + row * sum.row_stride] = 0.0F;
    }
  }

  /// Where the gradient of a layer's input goes.
  [[nodiscard]] Sequence gradient(int layer) noexcept {
    return time_major(workspace_.gradients(layer % 2).data(), call_.batch, plan_.width(layer - 1));
  }

  /// Direction d's part of a sequence of both.
  template <class T>
  [[nodiscard]] SequenceOf<T> side(const SequenceOf<T>& both, int d, i64 width) const noexcept {
    return {both.data != nullptr ? both.data + d * width : nullptr, both.step_stride, both.row_stride};
  }

  [[nodiscard]] Call call_of(int layer, int d) noexcept {
    const Plan& plan = plan_.plan(layer, d);
    Call call;
    call.steps = call_.steps;
    call.batch = call_.batch;
    call.lengths = call_.lengths;
    call.mask = call_.mask;
    call.fill = call_.fill;
    if (layer == 0) {
      call.x = call_.x;
    } else {
      Sequence below = joined(layer - 1);
      if (plan_.independent()) below = side(below, d, plan.input());
      call.x = {below.data, below.step_stride, below.row_stride};
    }
    call.y = side(outputs(layer), d, plan.width());
    if (plan.cell().attention) call.attention = call_.attention;
    if (call_.runs.empty()) return call;
    const StackRun& run = call_.runs[index(layer, d)];
    std::ranges::copy(run.initial, call.initial);
    std::ranges::copy(run.final, call.final);
    std::ranges::copy(run.states, call.states);
    std::ranges::copy(run.zoneout, call.zoneout);
    if (call.y.data == nullptr) call.y = run.y;
    call.x_dropout = run.x_dropout;
    call.h_dropout = run.h_dropout;
    return call;
  }

  [[nodiscard]] BackwardCall back_of(
      int layer, int d, const StackBackwardCall& back, const ConstSequence& dy, const Sequence& dx) noexcept {
    const Plan& plan = plan_.plan(layer, d);
    BackwardCall call;
    call.accumulate = back.accumulate;
    call.dy = plan_.adds(layer) ? dy : side(dy, d, plan.width());
    call.dx = dx;
    if (dx.data != nullptr && adds_gradients(layer) && d == 1)
      call.dx = time_major(workspace_.other_gradient().data(), call_.batch, plan.input());
    if (plan_.independent() && layer > 0) call.dx = side(dx, d, plan.input());
    if (back.d_attention.data != nullptr && plan.cell().attention)
      call.d_attention = time_major(workspace_.attention_gradient(d).data(), call_.batch, 1);
    if (back.runs.empty()) return call;
    const StackRunGradients& run = back.runs[index(layer, d)];
    call.dy = output_gradient(call.dy, run.dy, d, plan.width());
    std::ranges::copy(run.d_states, call.d_states);
    std::ranges::copy(run.d_final, call.d_final);
    std::ranges::copy(run.d_initial, call.d_initial);
    call.d_weights = run.d_weights;
    return call;
  }

  [[nodiscard]] std::size_t index(int layer, int d) const noexcept {
    return static_cast<std::size_t>(layer * plan_.directions() + d);
  }

  [[nodiscard]] Job job_of(int layer, int d, const Call& call) noexcept {
    const int at = static_cast<int>(index(layer, d));
    return {&plan_.plan(layer, d), &weights_.at(at), &call, &workspace_.run(at)};
  }

  void run(const Job (&jobs)[2]) {
    if (plan_.directions() == 2) {
      run_both(jobs[0], jobs[1], execution_);
    } else {
      run_alone(jobs[0], execution_);
    }
  }

  /// to += from, element by element.
  void add(const Sequence& from, const Sequence& to, i64 width) const noexcept {
    for (i64 t = 0; t < call_.steps; ++t) {
      for (i64 row = 0; row < call_.batch; ++row) {
        const float* a = from.data + t * from.step_stride + row * from.row_stride;
        float* b = to.data + t * to.step_stride + row * to.row_stride;
        for (i64 k = 0; k < width; ++k) b[k] += a[k];
      }
    }
  }

  void add_outputs(int layer) noexcept {
    const Sequence from = outputs(layer);
    const Sequence to = joined(layer);
    const i64 width = plan_.width(layer);
    for (i64 t = 0; t < call_.steps; ++t) {
      for (i64 row = 0; row < call_.batch; ++row) {
        const float* a = from.data + t * from.step_stride + row * from.row_stride;
        float* b = to.data + t * to.step_stride + row * to.row_stride;
        for (i64 k = 0; k < width; ++k) b[k] = a[k] + a[width + k];
      }
    }
  }

  const StackPlan& plan_;
  const StackPacks& weights_;
  const StackCall& call_;
  StackWorkspace& workspace_;
  const Execution& execution_;
};

}  // namespace

void forward(const StackPlan& plan,
             const StackPacks& weights,
             const StackCall& call,
             StackWorkspace& workspace,
             bool training,
             const Execution& execution) {
  StackPass(plan, weights, call, workspace, execution).forward(training);
}

void backward(const StackPlan& plan,
              const StackPacks& weights,
              const StackCall& call,
              const StackBackwardCall& back,
              StackWorkspace& workspace,
              const Execution& execution) {
  StackPass(plan, weights, call, workspace, execution).backward(back);
}

}  // namespace recurra
