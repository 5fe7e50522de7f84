/// What a model learns from: inputs, targets, and what says how much each step and row of them counts.
#pragma once

#include <span>
#include <vector>

#include "recurra/base/tensor.h"
#include "recurra/engine/call.h"

namespace recurra {

/// Examples in memory, along the first axis of each.
struct Examples {
  Tensor x{};                    ///< f32 or, where these are ids, i32 (examples, …)
  Tensor y{};                    ///< f32 or i32 (examples, …)
  std::vector<int> lengths{};    ///< (examples), steps that count; empty: all
  Tensor sample_weights{};       ///< f32 (examples) or (examples, steps), factors of the loss; empty: all 1
  Tensor mask{};                 ///< u8 (examples, steps), 1: the step counts, 0: not; empty: as lengths say
  std::vector<Tensor> more_x{};  ///< further inputs of a model that has several, as x; they have no lengths
                                 ///< or masks but those that layers make
  std::vector<Tensor> more_y{};  ///< further targets, of outputs in order, as y; sample weights are for all
};

/// A batch of examples, copied together; its memory serves again for the next. Members as Examples has them.
struct RECURRA_API Batch {
  Tensor x{};
  Tensor y{};
  std::vector<int> lengths{};
  Tensor sample_weights{};
  Tensor mask{};
  std::vector<Tensor> more_x{};
  std::vector<Tensor> more_y{};

  /// Becomes the examples of `rows`, in that order.
  void gather(const Examples& examples, std::span<const int> rows, const Execution& execution = {});
};

/// Throws Error (shape, dtype, invalid_argument or non_finite), subject `name`, unless the parts agree: x of
/// f32 or i32 with at least two axes, the second being the steps; as many targets, lengths, weights and rows
/// of the mask as rows of x; each length within the steps; finite weights; a mask of 0 and 1, and not
/// together with lengths.
RECURRA_API void check_examples(const Examples& examples, const char* name);

}  // namespace recurra
