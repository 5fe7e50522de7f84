/// What a model learns from: inputs, targets, and the length of each row.
#pragma once

#include <span>
#include <vector>

#include "recurra/base/tensor.h"
#include "recurra/engine/call.h"

namespace recurra {

/// Examples in memory, along the first axis of each.
struct Examples {
  Tensor x;                  ///< f32 (examples, …)
  Tensor y;                  ///< f32 or i32 (examples, …)
  std::vector<int> lengths;  ///< (examples), steps that count; empty: all
};

/// A batch of examples, copied together; its memory serves again for the next.
struct RECURRA_API Batch {
  Tensor x;
  Tensor y;
  std::vector<int> lengths;

  /// Becomes the examples of `rows`, in that order.
  void gather(const Examples& examples, std::span<const int> rows, const Execution& execution = {});
};

/// Throws Error (shape, dtype or invalid_argument), subject `name`, unless the parts agree: f32 x with at
/// least two axes, as many targets and lengths as rows, each length within the steps.
RECURRA_API void check_examples(const Examples& examples, const char* name);

}  // namespace recurra
