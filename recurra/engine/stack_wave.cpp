#include "recurra/engine/stack_wave.h"

#include <algorithm>

#include "recurra/engine/cost.h"
#include "recurra/engine/forced_schedule.h"
#include "recurra/engine/plan_log.h"

namespace recurra {

namespace {

// Of the time layer by layer: layers at once share what caches and memory give.
constexpr double least_wave_gain = 0.95;

/// The way forward. In inference every chunk of a layer is a call of its own, since what lies between the
/// layers has room for two chunks; else there is one call over all steps, which goes on from chunk to chunk.
class ForwardWave {
 public:
  ForwardWave(const StackPlan& plan,
              StackCalls& calls,
              const StackWorkspace& workspace,
              i64 size,
              bool training,
              const Execution& execution)
      : plan_(plan),
        calls_(calls),
        in_calls_(!workspace.room().training),
        size_(size),
        training_(training),
        execution_(execution) {
    if (in_calls_) calls_.go_in_waves(size);
  }

  void run() {
    i64 steps = calls_.all_steps().last;
    for (int layer = 0; layer < plan_.layers(); ++layer) {
      with_job(layer, calls_.all_steps(), [&](const Job& job) {
        begin_report(job);
        if (in_calls_) return;
        bind(job);
        steps = memory(job).running;
      });
    }
    chunks_ = std::max<i64>(1, (steps + size_ - 1) / size_);
    const int lanes = run_on_team(
        Wave{plan_.layers(), chunks_, in_calls_ ? 2 : 0},
        execution_,
        [&](int layer, i64 chunk) { begin(layer, chunk); },
        [&](int layer, i64 chunk, Crew& lane) {
          with_job(layer, part(layer, chunk), [&](const Job& job) {
            run_on_lane(job, steps_of(job, chunk), execution_, lane);
          });
        },
        [&](int layer, i64 chunk) { end(layer, chunk); });
    for (int layer = 0; layer < plan_.layers(); ++layer)
      with_job(layer, {}, [&](const Job& job) { memory(job).report.layers_at_once = lanes; });
  }

 private:
  [[nodiscard]] static Memory& memory(const Job& job) noexcept { return job.workspace->memory(); }

  template <class Use>
  void with_job(int layer, Steps part, Use use) const {
    const Call call = calls_.of(layer, 0, part);
    use(calls_.job(layer, 0, call));
  }

  /// The caller's steps of a call.
  [[nodiscard]] Steps part(int layer, i64 number) const noexcept {
    const i64 steps = calls_.all_steps().last;
    if (!in_calls_) return {0, steps};
    const i64 chunk = plan_.plan(layer, 0).recurrence().reverse ? chunks_ - 1 - number : number;
    return {chunk * size_, std::min((chunk + 1) * size_, steps)};
  }

  /// The steps a call processes as chunk `chunk`.
  [[nodiscard]] Steps steps_of(const Job& job, i64 chunk) const noexcept {
    const i64 running = memory(job).running;
    if (in_calls_) return {0, running};
    return {std::min(chunk * size_, running), std::min((chunk + 1) * size_, running)};
  }

  void bind(const Job& job) const noexcept {
    begin_forward(job, training_, execution_);
    memory(job).report.steps += memory(job).all_rows;
  }

  void begin(int layer, i64 chunk) const noexcept {
    if (!in_calls_) return;
    calls_.cut_lengths(layer, 0, part(layer, chunk));
    with_job(layer, part(layer, chunk), [&](const Job& job) { bind(job); });
  }

  void end(int layer, i64 chunk) const noexcept {
    if (!in_calls_ && chunk + 1 < chunks_) return;
    with_job(layer, part(layer, chunk), [&](const Job& job) {
      finish(job);
      calls_.give_output(layer, 0, job.call->y, part(layer, chunk));
    });
  }

  const StackPlan& plan_;
  StackCalls& calls_;
  bool in_calls_;
  i64 size_;
  bool training_;
  const Execution& execution_;
  i64 chunks_ = 1;
};

/// Whether layers may begin on the way back before the one above has ended: its input gradients are then what
/// they are at the end, and nothing is made of all steps of them.
bool can_go_back_in_waves(const StackPlan& plan, const StackCall& call, const StackBackwardCall& back) {
  if (call.fill == Fill::repeat && call.lengths != nullptr) return false;
  if (back.d_attention.data != nullptr) return false;
  for (int layer = 0; layer < plan.layers(); ++layer) {
    const auto at = static_cast<std::size_t>(layer);
    const bool top = layer + 1 == plan.layers();
    if (layer > 0 && !call.runs.empty() && call.runs[at].x_dropout != nullptr) return false;
    if (!back.runs.empty() && back.runs[at].dy.data != nullptr && (!top || back.dy.data != nullptr))
      return false;
    // Gradients of every other layer lie in the same memory, which is read and written in the same order.
    if (layer > 2 && plan.width(layer - 1) != plan.width(layer - 3)) return false;
  }
  return true;
}

/// What a stack's pass takes layer by layer, and as a wavefront of the best of its sizes.
class WaveCosts {
 public:
  WaveCosts(const StackPlan& plan, const StackCall& call, bool back, int threads) noexcept
      : plan_(plan), threads_(threads), lanes_(std::min(plan.layers(), threads)) {
    whole_ = {call.steps, call.batch, call.steps * call.batch, back};
    if (call.lengths == nullptr) return;
    whole_.all_rows = 0;
    for (i64 row = 0; row < call.batch; ++row) whole_.all_rows += call.lengths[row];
  }

  /// `parts`: calls into which each layer's is cut.
  [[nodiscard]] double in_turn(i64 parts) const noexcept {
    double sum = 0;
    for (int layer = 0; layer < plan_.layers(); ++layer) {
      const Split split = split_of_layer(layer, whole_, threads_, 0);
      sum += pass_cost(plan_.plan(layer, 0), whole_, split);
      sum += static_cast<double>(parts) * (waking_cost(split.threads) + task_cost());
    }
    return sum;
  }

  /// In chunks of `size` steps.
  [[nodiscard]] double wavefront(i64 size) const noexcept {
    const i64 chunks = (whole_.steps + size - 1) / size;
    const PassShape shape{std::min(size, whole_.steps), whole_.rows, whole_.all_rows / chunks, whole_.back};
    const int own = threads_ / lanes_;
    double longest = 0;
    double all = 0;
    for (int layer = 0; layer < plan_.layers(); ++layer) {
      const Split split = split_of_layer(layer, shape, own, threads_ - own);
      const double task = pass_cost(plan_.plan(layer, 0), shape, split, threads_ - own) + task_cost();
      longest = std::max(longest, task);
      all += task;
    }
    // All lanes have their share of the work, but for the ends, where a lane waits for the first or last
    // layers.
    const double each = std::max(longest, all / lanes_);
    return static_cast<double>(chunks) * each + (lanes_ - 1) * longest + waking_cost(threads_);
  }

  /// The best of the sizes up to `most`.
  [[nodiscard]] i64 best_size(i64 most) const noexcept {
    const i64 least = whole_.back ? back_chunk_steps(whole_.rows) : 1;
    i64 best = std::min(least, most);
    for (i64 size = 2 * least; size <= most; size *= 2) {
      if (wavefront(size) < wavefront(best)) best = size;
    }
    return best;
  }

  [[nodiscard]] bool are_worth_threads() const noexcept {
    const auto is_worth = [&](const Plan& one) {
      return is_worth_a_thread(one, whole_);
    };
    return threads_ > 1 && std::ranges::any_of(plan_.plans(), is_worth);
  }

 private:
  [[nodiscard]] Split split_of_layer(int layer,
                                     const PassShape& shape,
                                     int threads,
                                     int streams) const noexcept {
    const Plan& plan = plan_.plan(layer, 0);
    const int panels = shape.back ? plan.unit_panels().count : plan.blocks();
    return cheapest_split(plan, shape, threads, panels, streams);
  }

  const StackPlan& plan_;
  int threads_;
  int lanes_;
  PassShape whole_;
};

/// Whether there may be a wavefront.
bool can_go_in_waves(const StackPlan& plan,
                     const StackCall& call,
                     const StackBackwardCall* back,
                     const StackWorkspace& workspace) noexcept {
  if (workspace.wave_rows() == 0 || call.steps == 0 || call.batch == 0 || call.mask != nullptr) return false;
  return back == nullptr || can_go_back_in_waves(plan, call, *back);
}

}  // namespace

i64 choose_wave(const StackPlan& plan,
                const StackCall& call,
                const StackBackwardCall* back,
                const StackWorkspace& workspace,
                const Execution& execution) {
  if (!can_go_in_waves(plan, call, back, workspace)) return 0;
  const Execution asked = with_forced(execution);
  const int threads = threads_of(asked);
  const WaveCosts costs(plan, call, back != nullptr, threads);
  const bool forced = asked.layers == Layers::wavefront;
  if (asked.layers == Layers::in_turn || (!forced && !costs.are_worth_threads())) return 0;
  const i64 most = std::clamp<i64>(workspace.wave_rows() / call.batch, 1, call.steps);
  i64 size = asked.wave > 0 ? std::min(asked.wave, most) : costs.best_size(most);
  // A part begins at a multiple of the chunks of the way back, which are of one size in all layers.
  const i64 whole = back != nullptr ? back_chunk_steps(call.batch) : 1;
  size = (size + whole - 1) / whole * whole;
  const i64 chunk = workspace.chunk_steps(call);
  const double in_turn = costs.in_turn((call.steps + chunk - 1) / chunk);
  const double wavefront = costs.wavefront(size);
  const bool wins = forced || wavefront < least_wave_gain * in_turn;
  log_wave(plan, call, back != nullptr, {threads, wins ? size : 0, wavefront, in_turn});
  return wins ? size : 0;
}

void run_forward_wave(const StackPlan& plan,
                      StackCalls& calls,
                      const StackWorkspace& workspace,
                      i64 wave,
                      bool training,
                      const Execution& execution) {
  ForwardWave(plan, calls, workspace, wave, training, execution).run();
}

void run_on_lane(const Job& job, Steps steps, const Execution& execution, Crew& lane) noexcept {
  Execution own = execution;
  own.threads = lane.count();
  own.team = nullptr;
  const Split split = split_of(job, own);
  if (lane.index() >= split.threads) return;
  Crew members = lane.part(0, split.threads);
  run_part(job, split, members, steps);
}

}  // namespace recurra
