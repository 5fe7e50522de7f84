/// A recurrent layer with all the memory its calls need, for tests that make calls of their own.
#pragma once

#include <list>
#include <vector>

#include "recurra/engine/engine.h"

namespace recurra::test {

/// A layer with all it needs for calls.
struct Layer {
  explicit Layer(const Recurrence& recurrence,
                 i64 steps = 4,
                 i64 batch = 2,
                 const Target& target = active_target())
      : plan(recurrence, target), packs(plan, PackedWeights::Use::training) {
    const auto take = [&](i64 size) {
      return memory.emplace_back(std::size_t(size), 0.1F).data();
    };
    const i64 units = plan.units();
    const i64 gates = plan.cell().gates * units;
    const auto take_weights = [&]() -> WeightGradients {
      return {take(plan.input() * gates),
              take(plan.width() * gates),
              take(gates),
              take(plan.cell().params * units),
              take(units * recurrence.projection)};
    };
    const WeightGradients w = take_weights();
    weights = {w.W, w.U, w.b, w.params, w.P};
    call.steps = steps;
    call.batch = batch;
    call.x = batch_major<const float>(take(steps * batch * plan.input()), steps, plan.input());
    call.y = batch_major(take(steps * batch * plan.width()), steps, plan.width());
    for (int k = 0; k < plan.cell().states; ++k)
      call.final[k] = take(batch * std::max<i64>(plan.width(), units));
    back.dy = batch_major<const float>(take(steps * batch * plan.width()), steps, plan.width());
    back.dx = batch_major(take(steps * batch * plan.input()), steps, plan.input());
    back.d_weights = take_weights();
    if (plan.cell().attention) {
      call.attention = batch_major<const float>(take(steps * batch), steps, 1);
      back.d_attention = batch_major(take(steps * batch), steps, 1);
    }
    packs.pack(plan, weights);
  }

  std::list<std::vector<float>> memory;
  Plan plan;
  PackedWeights packs;
  Weights weights;
  Call call;
  BackwardCall back;
};

}  // namespace recurra::test
