/// Backward over a stack, from the top layer down.
#include <algorithm>

#include "recurra/base/error.h"
#include "recurra/engine/stack_wave.h"

namespace recurra {

namespace {

class StackBackward {
 public:
  StackBackward(const StackPlan& plan,
                const StackPacks& weights,
                const StackCall& call,
                StackWorkspace& workspace,
                const Execution& execution)
      : plan_(plan),
        call_(call),
        workspace_(workspace),
        execution_(execution),
        calls_(plan, weights, call, workspace) {}

  void run(const StackBackwardCall& back) {
    check_runs(plan_, back.runs.size());
    check_room(back);
    workspace_.check_filled(plan_);
    check_layers(back);
    begin_attention_gradient(back);
    const i64 wave = choose_wave(plan_, call_, &back, workspace_, execution_);
    wave > 0 ? run_wave(back, wave) : run_in_turn(back);
  }

 private:
  void run_in_turn(const StackBackwardCall& back) {
    ConstSequence dy = back.dy;
    for (int layer = plan_.layers() - 1; layer >= 0; --layer) {
      const Sequence dx = layer > 0 ? gradient(layer) : back.dx;
      if (layer > 0 && plan_.adds(layer - 1)) join_again(layer - 1);
      Call calls[2];
      BackwardCall backs[2];
      Job jobs[2];
      for (int d = 0; d < plan_.directions(); ++d) {
        calls[d] = calls_.of(layer, d, calls_.all_steps());
        backs[d] = back_of(layer, d, back, dy, dx);
        jobs[d] = calls_.job(layer, d, calls[d]);
        jobs[d].back = &backs[d];
        begin_backward(jobs[d]);
      }
      run_jobs({jobs, static_cast<std::size_t>(plan_.directions())}, execution_);
      for (const BackwardCall& one : std::span(backs)) {
        if (one.d_attention.data != nullptr) add(one.d_attention, back.d_attention, 1);
      }
      if (dx.data != nullptr && adds_gradients(layer)) add(backs[1].dx, dx, plan_.plan(layer, 0).input());
      dy = {dx.data, dx.step_stride, dx.row_stride};
    }
  }

  /// From the top layer down, one behind the other by a chunk or more of steps.
  void run_wave(const StackBackwardCall& back, i64 size) {
    i64 running = 0;
    for (int turn = 0; turn < plan_.layers(); ++turn) {
      with_job(turn, back, [&](const Job& job) {
        begin_backward(job);
        begin_report(job);
        Memory& m = job.workspace->memory();
        m.report.steps = m.all_rows;
        running = m.running;
      });
    }
    const i64 chunks = std::max<i64>(1, (running + size - 1) / size);
    const int lanes = run_on_team(
        Wave{plan_.layers(), chunks},
        execution_,
        [](int, i64) {},
        [&](int turn, i64 chunk, Crew& lane) {
          const i64 first = (chunks - 1 - chunk) * size;
          with_job(turn, back, [&](const Job& job) {
            run_on_lane(job, {first, std::min(first + size, running)}, execution_, lane);
          });
        },
        [&](int turn, i64 chunk) {
          if (chunk + 1 == chunks) with_job(turn, back, [](const Job& job) { finish(job); });
        });
    for (int turn = 0; turn < plan_.layers(); ++turn)
      with_job(turn, back, [&](const Job& job) { job.workspace->memory().report.layers_at_once = lanes; });
  }

  /// Calls use(job) of the layer that comes back as number `turn`.
  template <class Use>
  void with_job(int turn, const StackBackwardCall& back, Use use) noexcept {
    const int layer = plan_.layers() - 1 - turn;
    const Call call = calls_.of(layer, 0, calls_.all_steps());
    Sequence dy = turn > 0 ? gradient(layer + 1) : Sequence{};
    const ConstSequence from = turn > 0 ? ConstSequence{dy.data, dy.step_stride, dy.row_stride} : back.dy;
    const BackwardCall one = back_of(layer, 0, back, from, layer > 0 ? gradient(layer) : back.dx);
    Job job = calls_.job(layer, 0, call);
    job.back = &one;
    use(job);
  }

  /// Whether both directions have the same input, so that its gradient is a sum.
  [[nodiscard]] bool adds_gradients(int layer) const noexcept {
    return plan_.directions() == 2 && !(plan_.independent() && layer > 0);
  }

  /// The sum that was the input of the layer above: only what it is made of is kept.
  void join_again(int layer) const noexcept {
    for (int d = 0; d < 2; ++d) calls_.join(layer, d, calls_.all_steps(), d == 0);
  }

  /// All layers, before the first takes what its forward left.
  void check_layers(const StackBackwardCall& back) {
    for (int layer = 0; layer < plan_.layers(); ++layer) {
      for (int d = 0; d < plan_.directions(); ++d) {
        const Call call = calls_.of(layer, d, calls_.all_steps());
        const BackwardCall one = back_of(layer, d, back, {}, {});
        Job job = calls_.job(layer, d, call);
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
    for_each_row(
        call_.steps, call_.batch, above, sum, [&](const float* a, float* to) { std::copy_n(a, width, to); });
    add(own, sum, width);
    return {sum.data, sum.step_stride, sum.row_stride};
  }

  void begin_attention_gradient(const StackBackwardCall& back) const {
    const Sequence& sum = back.d_attention;
    if (sum.data == nullptr) return;
    if (!plan_.attention()) {
      throw Error(
          ErrorCode::invalid_argument, "d_attention", "none for a stack whose cells take none", "a sequence");
    }
    for_each_row(call_.steps, call_.batch, sum, sum, [](const float*, float* to) { *to = 0.0F; });
  }

  /// Where the gradient of a layer's input goes.
  [[nodiscard]] Sequence gradient(int layer) noexcept {
    return time_major(workspace_.gradients(layer % 2).data(), call_.batch, plan_.width(layer - 1));
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
    const StackRunGradients& run = back.runs[calls_.index(layer, d)];
    call.dy = output_gradient(call.dy, run.dy, d, plan.width());
    std::ranges::copy(run.d_states, call.d_states);
    std::ranges::copy(run.d_final, call.d_final);
    std::ranges::copy(run.d_initial, call.d_initial);
    call.d_weights = run.d_weights;
    return call;
  }

  /// to += from, element by element.
  template <class T>
  void add(const SequenceOf<T>& from, const Sequence& to, i64 width) const noexcept {
    for_each_row(call_.steps, call_.batch, from, to, [&](const float* a, float* b) {
      for (i64 k = 0; k < width; ++k) b[k] += a[k];
    });
  }

  const StackPlan& plan_;
  const StackCall& call_;
  StackWorkspace& workspace_;
  const Execution& execution_;
  StackCalls calls_;
};

}  // namespace

void backward(const StackPlan& plan,
              const StackPacks& weights,
              const StackCall& call,
              const StackBackwardCall& back,
              StackWorkspace& workspace,
              const Execution& execution) {
  StackBackward(plan, weights, call, workspace, execution).run(back);
}

}  // namespace recurra
