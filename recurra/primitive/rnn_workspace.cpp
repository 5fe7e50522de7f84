#include "recurra/primitive/rnn_workspace.h"

#include "recurra/base/error.h"
#include "recurra/primitive/bind.h"

namespace recurra::primitive {

namespace {

bool trains(const RnnDesc& desc) noexcept {
  return desc.propagation != Propagation::forward_inference;
}

}  // namespace

RnnWorkspace::RnnWorkspace(const RnnPrimitive& primitive, i64 steps, i64 batch)
    : desc_(primitive.desc()),
      plan_(primitive.plan()),
      runs_(plan_.plans().size()),
      gradient_runs_(plan_.plans().size()) {
  const RnnDesc& desc = primitive.desc();
  const bool training = trains(desc);
  stack_.prepare(plan_,
                 {.steps = steps,
                  .batch = batch,
                  .training = training,
                  .takes_y = desc.tensors.dst_layer,
                  .keep = desc.memory_level == MemoryLevel::recompute ? Keep::states : Keep::gates,
                  .states = desc.tensors.dst_states || desc.tensors.dst_states_c,
                  .zoneout = desc.zoneout > 0 || desc.zoneout_c > 0});
  shares_[0].assign(static_cast<std::size_t>(desc.units), desc.zoneout);
  shares_[1].assign(static_cast<std::size_t>(desc.units), desc.zoneout_c);
  if (primitive.desc().weights == WeightsFormat::any) return;
  packs_.emplace(plan_, training ? PackedWeights::Use::training : PackedWeights::Use::inference);
  weights_.resize(plan_.plans().size());
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
  packs_->pack(plan_, weights_, execution);
  return *packs_;
}

}  // namespace recurra::primitive
