#include "recurra/primitive/rnn_workspace.h"

#include <algorithm>

#include "recurra/base/error.h"
#include "recurra/engine/memory.h"
#include "recurra/primitive/bind.h"

namespace recurra::primitive {

namespace {

constexpr std::size_t most_tensors = 32;   // of an execution, besides weights
constexpr std::size_t weights_of_run = 6;  // of a layer and direction, and as many gradients

bool trains(const RnnDesc& desc) noexcept {
  return desc.propagation != Propagation::forward_inference;
}

Room room_of(const RnnDesc& desc, i64 steps, i64 batch) noexcept {
  return {.steps = steps,
          .batch = batch,
          .training = trains(desc),
          .takes_y = desc.tensors.dst_layer,
          .keep = desc.memory_level == MemoryLevel::recompute ? Keep::states : Keep::gates,
          .states = desc.tensors.dst_states || desc.tensors.dst_states_c,
          .zoneout = desc.zoneout > 0,
          .zoneout_states = desc.zoneout_c > 0};
}

PackedWeights::Use use_of(const RnnDesc& desc) noexcept {
  return trains(desc) ? PackedWeights::Use::training : PackedWeights::Use::inference;
}

/// Floats of the packs of plain weights.
i64 plain_floats(const RnnPrimitive& primitive) {
  const bool plain = primitive.desc().weights == WeightsFormat::plain;
  return plain ? StackPacks::floats(primitive.plan(), use_of(primitive.desc())) : 0;
}

}  // namespace

MemoryBytes RnnWorkspace::bytes(const RnnPrimitive& primitive, i64 steps, i64 batch) {
  MemoryBytes bytes = StackWorkspace::bytes(primitive.plan(), room_of(primitive.desc(), steps, batch));
  bytes.scratch += plain_floats(primitive) * static_cast<i64>(sizeof(float));
  return bytes;
}

RnnWorkspace::RnnWorkspace(const RnnPrimitive& primitive)
    : desc_(primitive.desc()),
      plan_(primitive.plan()),
      runs_(plan_.plans().size()),
      gradient_runs_(plan_.plans().size()),
      places_(most_tensors + 2 * weights_of_run * plan_.plans().size()) {
  shares_[0].assign(static_cast<std::size_t>(desc_.units), desc_.zoneout);
  shares_[1].assign(static_cast<std::size_t>(desc_.units), desc_.zoneout_c);
  if (desc_.weights == WeightsFormat::plain) weights_.resize(plan_.plans().size());
}

RnnWorkspace::RnnWorkspace(const RnnPrimitive& primitive, i64 steps, i64 batch) : RnnWorkspace(primitive) {
  stack_.prepare(plan_, room_of(desc_, steps, batch));
  if (desc_.weights == WeightsFormat::plain) packs_.emplace(plan_, use_of(desc_));
}

RnnWorkspace::RnnWorkspace(const RnnPrimitive& primitive,
                           i64 steps,
                           i64 batch,
                           std::span<std::byte> workspace,
                           std::span<std::byte> scratchpad)
    : RnnWorkspace(primitive) {
  const MemoryBytes need = bytes(primitive, steps, batch);
  check_memory(workspace, need.kept, "workspace");
  check_memory(scratchpad, need.scratch, "scratchpad");
  const i64 floats = plain_floats(primitive);
  const auto before =
      static_cast<std::size_t>(need.scratch) - static_cast<std::size_t>(floats) * sizeof(float);
  stack_.prepare(plan_, room_of(desc_, steps, batch), workspace, scratchpad.first(before));
  given_workspace_ = workspace.first(static_cast<std::size_t>(need.kept));
  given_scratchpad_ = scratchpad.first(static_cast<std::size_t>(need.scratch));
  if (floats == 0) return;
  packs_memory_ = {reinterpret_cast<float*>(scratchpad.data() + before), static_cast<std::size_t>(floats)};
  packs_.emplace(plan_, use_of(desc_), packs_memory_.data());
}

void RnnWorkspace::check(const RnnPrimitive& primitive) const {
  const RnnDesc& desc = primitive.desc();
  const bool same = desc.weights == desc_.weights && desc.tensors == desc_.tensors &&
                    desc.memory_level == desc_.memory_level && desc.zoneout == desc_.zoneout &&
                    desc.zoneout_c == desc_.zoneout_c && trains(desc) == trains(desc_) &&
                    primitive.plan() == plan_;
  if (same) return;
  throw Error(ErrorCode::invalid_argument, "workspace", "one made for this descriptor", "one of another");
}

const StackPacks& RnnWorkspace::packs_of(const RnnPrimitive& primitive,
                                         const ForwardArguments& arguments,
                                         const Execution& execution) {
  const bool packed = arguments.packed_weights != nullptr;
  if (primitive.desc().weights == WeightsFormat::any) {
    if (!packed || !arguments.weights.empty()) {
      throw Error(ErrorCode::invalid_argument,
                  "weights",
                  "packed ones alone, as the descriptor says",
                  packed ? "plain ones too" : "none packed");
    }
    arguments.packed_weights->check(primitive);
    return arguments.packed_weights->packs();
  }
  if (packed) {
    throw Error(
        ErrorCode::invalid_argument, "weights", "plain ones alone, as the descriptor says", "packed ones");
  }
  bind_weights(primitive, arguments.weights, weights_);
  std::ranges::fill(packs_memory_, 0.0F);  // padding is zero, and the caller's memory held other things
  packs_->pack(plan_, weights_, execution);
  return *packs_;
}

}  // namespace recurra::primitive
