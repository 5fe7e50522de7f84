/// What of a stack does not depend on a call: plans, packs and memory.
#include <algorithm>
#include <string>

#include "recurra/base/error.h"
#include "recurra/base/shape.h"
#include "recurra/engine/memory.h"
#include "recurra/engine/stack.h"

namespace recurra {

StackPlan::StackPlan(const Stack& stack, const Target& target) {
  if (stack.layers.empty()) throw Error(ErrorCode::invalid_argument, "layers", "at least one", "none");
  const bool both = stack.direction == Direction::concat || stack.direction == Direction::sum;
  directions_ = both ? 2 : 1;
  adds_ = stack.direction == Direction::sum;
  independent_ = both && stack.stacking == Stacking::independent;
  i64 input = stack.input;
  for (const Stack::Layer& layer : stack.layers) {
    for (int direction = 0; direction < directions_; ++direction) {
      const bool reverse = direction == 1 || stack.direction == Direction::backward;
      plans_.emplace_back(
          Recurrence{
              layer.cell, input, layer.units, layer.projection, reverse, layer.activations, layer.clip},
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

void StackWorkspace::prepare(const StackPlan& plan, const Room& asked) {
  if (plans_ == plan.plans() && directions_ == plan.directions() && contains(room_, asked)) return;
  const bool same = plans_ == plan.plans() && directions_ == plan.directions();
  const Room room = same ? united(room_, asked) : asked;
  const int layers = plan.layers();
  plans_.clear();  // stays so where memory ends half-way
  directions_ = plan.directions();
  runs_.resize(plan.plans().size());
  outputs_.resize(static_cast<std::size_t>(layers));
  sums_.resize(static_cast<std::size_t>(layers));
  gradients_.resize(2);
  attention_gradients_.resize(2);
  output_gradients_.resize(2);
  const i64 rows = checked_multiply(room.steps, room.batch, "workspace");
  i64 widest = plan.plan(0, 0).input();
  for (int layer = 0; layer < layers; ++layer) {
    for (int direction = 0; direction < directions_; ++direction)
      run(layer * directions_ + direction).prepare(plan.plan(layer, direction), room);
    const i64 side_by_side = i64{plan.plan(layer, 0).width()} * directions_;
    // The top layer writes to the caller, unless there is something to be added first.
    if (layer + 1 < layers || plan.adds(layer))
      outputs(layer).grow(checked_multiply(rows, side_by_side, "workspace"));
    if (plan.adds(layer) && layer + 1 < layers)
      sums(layer).grow(checked_multiply(rows, plan.width(layer), "workspace"));
    widest = std::max(widest, side_by_side);
  }
  if (room.training) {
    for (int side = 0; side < 2 && layers > 1; ++side)
      gradients(side).grow(checked_multiply(rows, widest, "workspace"));
    for (int direction = 0; direction < directions_ && plan.attention(); ++direction)
      attention_gradient(direction).grow(rows);
    for (int direction = 0; direction < directions_ && room.states; ++direction)
      output_gradient(direction).grow(checked_multiply(rows, widest, "workspace"));
    if (directions_ == 2) other_gradient_.grow(checked_multiply(rows, widest, "workspace"));
  }
  room_ = room;
  plans_ = plan.plans();
}

void StackWorkspace::check(const StackPlan& plan, const StackCall& call) const {
  const bool ours = plans_ == plan.plans() && directions_ == plan.directions();
  if (ours && call.steps <= room_.steps && call.batch <= room_.batch) return;
  const auto text = [](i64 steps, i64 batch) {
    return std::to_string(steps) + " steps and " + std::to_string(batch) + " rows";
  };
  throw Error(ErrorCode::invalid_argument,
              "workspace",
              "one prepared for this plan, " + text(call.steps, call.batch),
              ours ? text(room_.steps, room_.batch) : "one that is not");
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

void StackPacks::check_count(std::size_t count) const {
  if (count == packs_.size()) return;
  throw Error(ErrorCode::invalid_argument,
              "weights",
              std::to_string(packs_.size()) + ", one for each layer and direction",
              std::to_string(count));
}

void StackPacks::pack(const StackPlan& plan, std::span<const Weights> weights, const Execution& execution) {
  check_count(weights.size());
  check_count(plan.plans().size());
  for (std::size_t i = 0; i < packs_.size(); ++i) packs_[i].pack(plan.plans()[i], weights[i], execution);
}

void StackPacks::unpack(std::span<const WeightGradients> weights) const {
  check_count(weights.size());
  for (std::size_t i = 0; i < packs_.size(); ++i) packs_[i].unpack(weights[i]);
}

}  // namespace recurra
