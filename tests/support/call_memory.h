/// Memory for one call of the engine: random numbers to be read, and outputs to be compared.
#pragma once

#include <list>
#include <vector>

#include "recurra/base/random.h"
#include "recurra/engine/plan.h"
#include "recurra/engine/recurrence.h"

namespace recurra::test {

using Floats = std::vector<float>;

class CallMemory {
 public:
  explicit CallMemory(Random& random) : random_(random) {}

  /// Numbers in (-0.5, 0.5).
  const float* draw(i64 size) {
    Floats& values = inputs_.emplace_back(std::size_t(size));
    for (float& value : values) value = float(random_.uniform() - 0.5);
    return values.data();
  }

  Weights draw_weights(const Plan& plan) {
    const i64 gates = plan.cell().gates * i64{plan.units()};
    return {draw(plan.input() * gates),
            draw(plan.width() * gates),
            draw(gates),
            draw(plan.cell().params * i64{plan.units()}),
            draw(i64{plan.units()} * plan.recurrence().projection)};
  }

  /// An output: what is not written shows.
  float* take(i64 size) { return outputs_.emplace_back(std::size_t(size), -7.0F).data(); }

  WeightGradients take_gradients(const Plan& plan) {
    const i64 gates = plan.cell().gates * i64{plan.units()};
    return {take(plan.input() * gates),
            take(plan.width() * gates),
            take(gates),
            take(plan.cell().params * i64{plan.units()}),
            take(i64{plan.units()} * plan.recurrence().projection)};
  }

  /// All outputs taken since forget_outputs.
  [[nodiscard]] std::vector<Floats> outputs() const { return {outputs_.begin(), outputs_.end()}; }

  void forget_outputs() { outputs_.clear(); }

 private:
  Random& random_;
  std::list<Floats> inputs_, outputs_;  // what is added moves no other
};

}  // namespace recurra::test
