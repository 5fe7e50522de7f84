/// Forward over a stack: layer by layer, in chunks of steps where every layer may begin before the one below
/// has ended, so that what lies between the layers is no longer than a chunk.
#include <algorithm>

#include "recurra/engine/stack_wave.h"

namespace recurra {

namespace {

class StackForward {
 public:
  StackForward(const StackPlan& plan,
               const StackPacks& weights,
               const StackCall& call,
               StackWorkspace& workspace,
               bool training,
               const Execution& execution)
      : plan_(plan),
        call_(call),
        workspace_(workspace),
        training_(training),
        execution_(execution),
        calls_(plan, weights, call, workspace) {
    for (int layer = 0; layer < plan_.layers(); ++layer) {
      for (int d = 0; d < plan_.directions(); ++d) {
        const Call one = calls_.of(layer, d, calls_.all_steps());
        check_forward(calls_.job(layer, d, one), training, execution);
      }
    }
  }

  void run() {
    const i64 wave = choose_wave(plan_, call_, nullptr, workspace_, execution_);
    if (wave > 0) {
      run_forward_wave(plan_, calls_, workspace_, wave, training_, execution_);
    } else {
      run_in_turn();
    }
    if (training_) workspace_.mark_filled(plan_);
  }

 private:
  void run_in_turn() {
    const i64 size = workspace_.chunk_steps(call_);
    const i64 chunks = std::max<i64>(1, (call_.steps + size - 1) / size);
    for (i64 turn = 0; turn < chunks; ++turn) {
      Steps parts[2];
      bool is_first[2];  // of the directions to come to its part
      for (int d = 0; d < plan_.directions(); ++d) {
        const i64 chunk = plan_.plan(0, d).recurrence().reverse ? chunks - 1 - turn : turn;
        parts[d] = {chunk * size, std::min((chunk + 1) * size, call_.steps)};
        const i64 others_turn = chunks - 1 - turn;
        is_first[d] = turn < others_turn || (turn == others_turn && d == 0);
      }
      for (int layer = 0; layer < plan_.layers(); ++layer) run_layer(layer, parts, is_first, turn > 0);
    }
  }

  void run_layer(int layer, const Steps (&parts)[2], const bool (&is_first)[2], bool continues) {
    Call calls[2];
    Job jobs[2];
    for (int d = 0; d < plan_.directions(); ++d) {
      calls_.cut_lengths(layer, d, parts[d]);
      calls[d] = calls_.of(layer, d, parts[d]);
      jobs[d] = calls_.job(layer, d, calls[d]);
      begin_forward(jobs[d], training_, execution_);
    }
    run_jobs({jobs, static_cast<std::size_t>(plan_.directions())}, execution_, continues);
    for (int d = 0; d < plan_.directions(); ++d) {
      calls_.give_output(layer, d, calls[d].y, parts[d]);
      if (plan_.adds(layer) && calls_.joined(layer, parts[d]).data != nullptr)
        calls_.join(layer, d, parts[d], is_first[d]);
    }
  }

  const StackPlan& plan_;
  const StackCall& call_;
  StackWorkspace& workspace_;
  bool training_;
  const Execution& execution_;
  StackCalls calls_;
};

}  // namespace

void forward(const StackPlan& plan,
             const StackPacks& weights,
             const StackCall& call,
             StackWorkspace& workspace,
             bool training,
             const Execution& execution) {
  StackForward(plan, weights, call, workspace, training, execution).run();
}

}  // namespace recurra
