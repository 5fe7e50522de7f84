/// Weights in the format that a primitive chose.
#pragma once

#include <cstddef>
#include <span>

#include "recurra/base/buffer.h"
#include "recurra/primitive/rnn_primitive.h"
#include "recurra/primitive/weight_views.h"

namespace recurra::primitive {

/// Weights of all layers and directions, packed for the way forward and, where made for training, the way
/// back. Their memory begins with a tag by which executions refuse what was never packed or is of another
/// format; its bytes may be kept and used again on the same target.
class RECURRA_API PackedRnnWeights {
 public:
  /// In memory of its own, not packed yet. Throws std::bad_alloc.
  explicit PackedRnnWeights(const RnnPrimitive& primitive);

  /// In memory of the caller's, which must outlive it and may hold packed weights. Throws Error
  /// (invalid_argument) unless it has weights_desc().size() bytes or more and begins at a cache line.
  PackedRnnWeights(const RnnPrimitive& primitive, std::span<std::byte> memory);

  /// Packs plain weights: one entry for each layer and direction, in the order [layer][direction], or one of
  /// whole tensors. Throws Error, naming the tensor, on one that is missing, not wanted, of another shape or
  /// type, or that overlaps this memory.
  void pack(std::span<const WeightViews> weights, const Execution& execution = {});

  /// The plain weights again, bit for bit; tensors that do not exist are not wanted. Throws as `pack`, and
  /// Error (invalid_argument) where nothing was packed.
  void unpack(std::span<const MutableWeightViews> weights) const;

  [[nodiscard]] const WeightsDesc& desc() const noexcept { return desc_; }

  /// The memory they lie in, tag and all.
  [[nodiscard]] std::span<const std::byte> memory() const noexcept {
    return {memory_, static_cast<std::size_t>(desc_.size())};
  }

  /// Whether the memory holds packed weights of this format.
  [[nodiscard]] bool is_packed() const noexcept;

  /// Throws Error (invalid_argument) unless these are packed weights that serve `primitive`.
  void check(const RnnPrimitive& primitive) const;

  /// The engine's packs.
  [[nodiscard]] const StackPacks& packs() const noexcept { return packs_; }

 private:
  [[nodiscard]] static PackedWeights::Use use(bool training) noexcept;
  [[nodiscard]] float* packs_memory() const noexcept;

  RnnPrimitive primitive_;
  AlignedBuffer<float> own_;
  std::byte* memory_;
  WeightsDesc desc_;
  StackPacks packs_;
};

}  // namespace recurra::primitive
