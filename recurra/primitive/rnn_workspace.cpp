#include "recurra/primitive/rnn_workspace.h"

#include "recurra/base/error.h"
#include "recurra/primitive/bind.h"

namespace recurra::primitive {

RnnWorkspace::RnnWorkspace(const RnnPrimitive& primitive, i64 steps, i64 batch)
    : plan_(primitive.plan()), runs_(plan_.plans().size()), gradient_runs_(plan_.plans().size()) {
  const bool training = primitive.desc().propagation != Propagation::forward_inference;
  stack_.prepare(plan_, {.steps = steps, .batch = batch, .training = training});
  if (primitive.desc().weights == WeightsFormat::any) return;
  packs_.emplace(plan_, training ? PackedWeights::Use::training : PackedWeights::Use::inference);
  weights_.resize(plan_.plans().size());
}

void RnnWorkspace::check(const RnnPrimitive& primitive) const {
  const bool packs = primitive.desc().weights == WeightsFormat::any || packs_.has_value();
  if (packs && plan_ == primitive.plan()) return;
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
