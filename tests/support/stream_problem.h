/// A stack with random weights, sequences and initial states, and one call over all steps to compare streams
/// with.
#pragma once

#include <algorithm>
#include <vector>

#include "recurra/base/random.h"
#include "recurra/engine/stream.h"
#include "tests/support/engine_case.h"

namespace recurra::test {

using Floats = std::vector<float>;

struct StreamProblem {
  StreamProblem(const Stack& stack, const Target& target, i64 rows, i64 steps_of_all)
      : plan(stack, target),
        packs(plan, PackedWeights::Use::inference),
        batch(rows),
        steps(steps_of_all),
        x(take(batch * steps * stack.input, 1.0F)),
        attention(take(plan.attention() ? batch * steps : 0, 1.0F)) {
    std::vector<Floats> memory;
    std::vector<Weights> weights;
    const auto give = [&](i64 size, float range) {
      return memory.emplace_back(take(size, range)).data();
    };
    for (const Plan& one : plan.plans()) {
      const i64 columns = i64{one.cell().gates} * one.units();
      weights.push_back({.W = give(one.input() * columns, 0.4F),
                         .U = give(one.width() * columns, 0.2F),
                         .b = give(columns, 0.4F),
                         .params = give(i64{one.cell().params} * one.units(), 0.4F),
                         .P = one.projected() ? give(i64{one.units()} * one.width(), 0.3F) : nullptr});
      for (int k = 0; k < one.cell().states; ++k)
        initial.push_back(take(batch * (k == 0 ? one.width() : one.units()), 0.7F));
    }
    packs.pack(plan, weights);
    y.assign(std::size_t(batch * steps * plan.width()), -7.0F);
  }

  [[nodiscard]] i64 input() const { return plan.plan(0, 0).input(); }

  /// One call over all steps.
  void expect() {
    final = initial;
    std::vector<StackRun> runs;
    std::size_t next = 0;
    for (const Plan& one : plan.plans()) {
      StackRun& run = runs.emplace_back();
      for (int k = 0; k < one.cell().states; ++k, ++next) {
        run.initial[k] = initial[next].data();
        run.final[k] = final[next].data();
      }
    }
    StackWorkspace workspace;
    workspace.prepare(plan, {.steps = steps, .batch = batch});
    StackCall call;
    call.steps = steps;
    call.batch = batch;
    call.x = batch_major<const float>(x.data(), steps, input());
    call.y = batch_major(y.data(), steps, plan.width());
    if (plan.attention()) call.attention = batch_major<const float>(attention.data(), steps, 1);
    call.runs = runs;
    forward(plan, packs, call, workspace);
  }

  /// Puts the initial states into a stream.
  void begin(Stream& stream) const {
    for (i64 row = 0; row < batch; ++row) stream.restore(row, row_of(initial, row));
  }

  /// A row's states behind all steps, as a stream saves them.
  [[nodiscard]] Floats final_states(i64 row) const { return row_of(final, row); }

  Random random{20267, 3};
  StackPlan plan;
  StackPacks packs;
  i64 batch, steps;
  Floats x, attention, y;
  std::vector<Floats> initial, final;  // [layer and state](batch, width)

 private:
  Floats take(i64 size, float range) {
    Floats values(static_cast<std::size_t>(size));
    std::ranges::generate(values, [&] { return random.uniform(-range, range); });
    return values;
  }

  [[nodiscard]] Floats row_of(const std::vector<Floats>& states, i64 row) const {
    Floats all;
    for (const Floats& state : states) {
      const auto width = std::ptrdiff_t(state.size()) / batch;
      all.insert(all.end(), state.begin() + row * width, state.begin() + (row + 1) * width);
    }
    return all;
  }
};

}  // namespace recurra::test
