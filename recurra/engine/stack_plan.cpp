/// What of a stack does not depend on a call: plans and packs.
#include <algorithm>
#include <string>

#include "recurra/base/error.h"
#include "recurra/base/shape.h"
#include "recurra/engine/enumerator.h"
#include "recurra/engine/memory.h"
#include "recurra/engine/stack.h"

namespace recurra {

StackPlan::StackPlan(const Stack& stack, const Target& target) {
  if (stack.layers.empty()) throw Error(ErrorCode::invalid_argument, "layers", "at least one", "none");
  check_enumerator(stack.direction, Direction::sum, "direction");
  check_enumerator(stack.stacking, Stacking::independent, "stacking");
  const bool both = stack.direction == Direction::concat || stack.direction == Direction::sum;
  directions_ = both ? 2 : 1;
  adds_ = stack.direction == Direction::sum;
  independent_ = both && stack.stacking == Stacking::independent;
  i64 input = stack.input;
  for (const Stack::Layer& layer : stack.layers) {
    for (int direction = 0; direction < directions_; ++direction) {
      const bool reverse = direction == 1 || stack.direction == Direction::backward;
      plans_.emplace_back(Recurrence{layer.cell,
                                     input,
                                     layer.units,
                                     layer.projection,
                                     reverse,
                                     layer.activations,
                                     layer.clip,
                                     layer.projection_clip},
                          target);
    }
    const i64 one = plans_.back().width();
    input = independent_ || adds_ ? one : one * directions_;
  }
}

bool StackPlan::adds(int layer) const noexcept {
  return adds_ && (!independent_ || layer == layers() - 1);
}

i64 StackPlan::width(int layer) const noexcept {
  const i64 one = plan(layer, 0).width();
  return adds(layer) ? one : one * directions_;
}

bool StackPlan::attention() const noexcept {
  return std::ranges::any_of(plans_, [](const Plan& plan) { return plan.cell().attention; });
}

StackPacks::StackPacks(const StackPlan& plan, PackedWeights::Use use) {
  for (const Plan& one : plan.plans()) packs_.emplace_back(one, use);
}

StackPacks::StackPacks(const StackPlan& plan, PackedWeights::Use use, float* memory) {
  for (const Plan& one : plan.plans()) {
    packs_.emplace_back(one, use, memory);
    memory += PackedWeights::floats(one, use);
  }
}

i64 StackPacks::floats(const StackPlan& plan, PackedWeights::Use use) {
  i64 sum = 0;
  for (const Plan& one : plan.plans()) sum += PackedWeights::floats(one, use);
  return sum;
}

void StackPacks::check_count(std::size_t count, std::size_t expected) {
  if (count == expected) return;
  throw Error(ErrorCode::invalid_argument,
              "weights",
              std::to_string(expected) + ", one for each layer and direction",
              std::to_string(count));
}

void StackPacks::pack(const StackPlan& plan, std::span<const Weights> weights, const Execution& execution) {
  check_count(weights.size(), packs_.size());
  check(plan);
  for (std::size_t i = 0; i < packs_.size(); ++i) packs_[i].pack(plan.plans()[i], weights[i], execution);
}

void StackPacks::unpack(std::span<const WeightGradients> weights) const {
  check_count(weights.size(), packs_.size());
  for (std::size_t i = 0; i < packs_.size(); ++i) packs_[i].unpack(weights[i]);
}

}  // namespace recurra
