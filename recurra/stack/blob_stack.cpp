#include "recurra/stack/blob_stack.h"

#include <algorithm>

#include "recurra/base/error.h"
#include "recurra/base/shortest.h"
#include "recurra/engine/dropout_factors.h"
#include "recurra/engine/stack_calls.h"

namespace recurra {

namespace {

/// Calls visit(index, layer, direction) in the order of the engine's lists.
template <class Visit>
void for_each_run(const BlobLayout& layout, Visit visit) {
  for (int run = 0; run < layout.layers() * layout.directions(); ++run)
    visit(static_cast<std::size_t>(run), run / layout.directions(), run % layout.directions());
}

Room room_of(const StackCall& call, bool training) {
  const auto any = [&](auto has) {
    return std::ranges::any_of(call.runs, has);
  };
  const bool repeats = call.lengths != nullptr && call.fill == Fill::repeat;
  return {.steps = call.steps,
          .batch = call.batch,
          .training = training,
          .masks = call.mask != nullptr || repeats,
          .dropout = any([](const StackRun& run) { return run.x_dropout != nullptr; }),
          .states = any([](const StackRun& run) { return run.y.data != nullptr; })};
}

}  // namespace

void check_stack_dropout(double share, i64 layers) {
  check_dropped_share("dropout", share);
  if (share == 0 || layers > 1) return;
  throw Error(ErrorCode::invalid_argument,
              "dropout",
              "0 for a single layer: it stands between layers",
              shortest(share));
}

BlobStack::BlobStack(const RnnStackShape& shape, const Target& target)
    : layout_(shape), plan_(layout_.stack(), target) {
  for (const Plan& plan : plan_.plans()) biases_.emplace_back(plan, cell_of(shape.op).gate_places);
}

void BlobStack::pack(const float* blob, PackedWeights::Use use, const Execution& execution) {
  std::vector<Weights> weights(plan_.plans().size());
  for_each_run(layout_, [&](std::size_t run, int layer, int direction) {
    weights[run] = layout_.matrices(blob, layer, direction);
    biases_[run].fold(blob + layout_.offset(layer, direction, BlobPart::b_W),
                      blob + layout_.offset(layer, direction, BlobPart::b_R));
    biases_[run].give(weights[run]);
  });
  if (!packed(use)) packs_.emplace(plan_, use);
  packs_->pack(plan_, weights, execution);
}

void BlobStack::require_packs() const {
  if (!packs_) throw Error(ErrorCode::invalid_argument, "weights", "weights that were packed before", "none");
}

void BlobStack::forward(const StackCall& call, bool training, const Execution& execution) {
  require_packs();
  workspace_.prepare(plan_, room_of(call, training));
  recurra::forward(plan_, *packs_, call, workspace_, training, execution);
}

void BlobStack::backward(const StackCall& call,
                         const StackBackwardCall& back,
                         float* d_blob,
                         const Execution& execution) {
  require_packs();
  check_runs(plan_, back.runs.size());
  runs_.assign(back.runs.begin(), back.runs.end());
  runs_.resize(plan_.plans().size());
  for_each_run(layout_, [&](std::size_t run, int layer, int direction) {
    if (d_blob == nullptr) return;
    runs_[run].d_weights = layout_.matrices(d_blob, layer, direction);
    biases_[run].take(runs_[run].d_weights);
  });
  StackBackwardCall whole = back;
  whole.runs = runs_;
  recurra::backward(plan_, *packs_, call, whole, workspace_, execution);
  for_each_run(layout_, [&](std::size_t run, int layer, int direction) {
    if (d_blob == nullptr) return;
    biases_[run].spread(d_blob + layout_.offset(layer, direction, BlobPart::b_W),
                        d_blob + layout_.offset(layer, direction, BlobPart::b_R));
  });
}

}  // namespace recurra
