#include "recurra/ops/run.h"

#include <algorithm>

namespace recurra::ops {

namespace {

[[nodiscard]] Room room_of(const Call& call, bool training) noexcept {
  const auto is_taken = [](const auto& sequence) {
    return sequence.data != nullptr;
  };
  return {.steps = call.steps,
          .batch = call.batch,
          .training = training,
          .masks = call.mask != nullptr,
          .dropout = call.x_dropout != nullptr,
          .takes_y = call.y.data != nullptr,
          .states = std::ranges::any_of(call.states, is_taken)};
}

void add(const Call& call, i64 width, const ConstSequence& from, const Sequence& to) noexcept {
  for (i64 row = 0; row < call.batch; ++row) {
    for (i64 step = 0; step < call.steps; ++step) {
      const float* source = from.data + row * from.row_stride + step * from.step_stride;
      float* target = to.data + row * to.row_stride + step * to.step_stride;
      for (i64 k = 0; k < width; ++k) target[k] += source[k];
    }
  }
}

}  // namespace

Run::Run(std::span<const Recurrence> directions, const OpOptions& options) : options_(options) {
  const Target& target = options.target != nullptr ? *options.target : active_target();
  directions_.reserve(directions.size());
  for (const Recurrence& recurrence : directions) directions_.emplace_back(Plan(recurrence, target));
}

Job Run::job(int direction, BackwardCall* back) noexcept {
  Direction& d = at(direction);
  return {&d.plan, &*d.packs, &d.call, &d.workspace, back};
}

void Run::pack(int direction, const Weights& weights, bool training) {
  Direction& d = at(direction);
  d.packs.emplace(d.plan, training ? PackedWeights::Use::training : PackedWeights::Use::inference);
  d.packs->pack(d.plan, weights, options_.execution);
}

void Run::forward(bool training) {
  for (Direction& d : directions_) d.workspace.prepare(d.plan, room_of(d.call, training));
  if (directions() == 2) {
    forward_both(job(0, nullptr), job(1, nullptr), training, options_.execution);
  } else {
    const Direction& d = at(0);
    recurra::forward(d.plan, *d.packs, d.call, at(0).workspace, training, options_.execution);
  }
  if (options_.reports == nullptr) return;
  for (const Direction& d : directions_) options_.reports->push_back(d.workspace.report());
}

void Run::backward() {
  if (directions() == 1) {
    const Direction& d = at(0);
    return recurra::backward(d.plan, *d.packs, d.call, d.back, at(0).workspace, options_.execution);
  }
  const Call& call = at(0).call;
  const i64 width = at(0).plan.input();
  Tensor other;
  if (at(1).back.dx.data != nullptr) {
    other.resize({call.batch, call.steps, width});
    at(1).back.dx = batch_major(other.data(), call.steps, width);
  }
  backward_both(job(0, &back(0)), job(1, &back(1)), options_.execution);
  if (at(1).back.dx.data != nullptr)
    add(call,
        width,
        {at(1).back.dx.data, at(1).back.dx.step_stride, at(1).back.dx.row_stride},
        at(0).back.dx);
}

}  // namespace recurra::ops
