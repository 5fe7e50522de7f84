/// A stack of recurrent layers on the engine, its weights one blob.
#pragma once

#include <optional>
#include <vector>

#include "recurra/engine/folded_bias.h"
#include "recurra/stack/blob_layout.h"

namespace recurra {

/// Throws Error (invalid_argument) unless a share dropped out between `layers` layers is in [0, 1), and 0
/// where there is one layer, with nothing between.
RECURRA_API void check_stack_dropout(double share, i64 layers);

/// The engine's plan, packs and workspace for one blob: what RnnStack and the layer are made of. The blob is
/// read and its gradient written where they are; what is copied are the packs and, of the biases, sums of
/// two. For one call at a time.
class RECURRA_API BlobStack {
 public:
  /// Throws as BlobLayout, and as Plan for a target without the op's cell.
  explicit BlobStack(const RnnStackShape& shape, const Target& target = active_target());

  [[nodiscard]] const BlobLayout& layout() const noexcept { return layout_; }

  [[nodiscard]] const StackPlan& plan() const noexcept { return plan_; }

  /// Packs the blob, layout().parameters() numbers, which is not needed again until the next. Throws as
  /// StackPacks::pack.
  void pack(const float* blob, PackedWeights::Use use, const Execution& execution = {});

  /// Whether there are packs that serve `use`.
  [[nodiscard]] bool packed(PackedWeights::Use use) const noexcept {
    return packs_ && (packs_->at(0).for_training() || use == PackedWeights::Use::inference);
  }

  /// The engine's forward, in a workspace that grows to what the call needs. What is to have a gradient of
  /// its own, an output in `runs`, must be taken. Throws as that, and Error (invalid_argument) before `pack`.
  void forward(const StackCall& call, bool training, const Execution& execution = {});

  /// The engine's backward of the last training forward, with the gradient of the blob in `d_blob`, which is
  /// overwritten; null: not wanted. `back.runs` without gradients of weights. Throws as that.
  void backward(const StackCall& call,
                const StackBackwardCall& back,
                float* d_blob,
                const Execution& execution = {});

  /// What the last call did in one layer and direction.
  [[nodiscard]] const Report& report(int layer, int direction) const noexcept {
    return workspace_.report(layer, direction);
  }

 private:
  void require_packs() const;

  BlobLayout layout_;
  StackPlan plan_;
  std::vector<FoldedBias> biases_;  // [layer][direction]
  std::optional<StackPacks> packs_;
  StackWorkspace workspace_;
  std::vector<StackRunGradients> runs_;
};

}  // namespace recurra
