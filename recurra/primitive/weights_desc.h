/// The packed format of a primitive's weights.
#pragma once

#include <string>

#include "recurra/primitive/rnn_desc.h"

namespace recurra::primitive {

/// A packed format. It depends on the cell, the sizes, the directions, the stacking and the processor's
/// target, on whether there is a bias and whether weights are for training, and on nothing else: neither on
/// steps nor on batch.
class RECURRA_API WeightsDesc {
 public:
  /// Of weights for `plan`, which is `desc`'s; `training`: for the way back too.
  WeightsDesc(const RnnDesc& desc, const StackPlan& plan, bool training);

  /// Bytes of packed weights.
  [[nodiscard]] i64 size() const noexcept { return size_; }

  /// The format in words: `avx512 lstm with bias for training, 2 layers, …`.
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

  friend bool operator==(const WeightsDesc&, const WeightsDesc&) = default;

 private:
  std::string text_;
  i64 size_ = 0;
};

}  // namespace recurra::primitive
