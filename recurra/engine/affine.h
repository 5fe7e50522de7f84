/// y = x W + b on the kernels of a target: what a Dense layer computes, forward and backward.
#pragma once

#include <vector>

#include "recurra/base/buffer.h"
#include "recurra/engine/call.h"
#include "recurra/engine/plan.h"

namespace recurra {

/// Weights of one affine map, packed, and the memory its calls work in. One call at a time.
///
/// An output is b, then multiply-adds over the inputs in order, whatever rows stand beside it and whatever
/// the number of threads; a weight gradient is the sum over rows in order.
class RECURRA_API Affine {
 public:
  /// Throws Error (invalid_argument) unless both are in 1 .. 2^20.
  Affine(i64 inputs, i64 outputs, const Target& target = active_target());

  /// W (inputs, outputs), b (outputs) or null. Call again when they have changed.
  void pack(const float* W, const float* b) noexcept;

  /// x (rows, inputs) -> y (rows, outputs).
  void forward(i64 rows, const float* x, float* y, const Execution& execution = {});

  /// x and dy (rows, outputs) -> dx (rows, inputs), dW, db, overwritten; each may be null.
  void backward(i64 rows,
                const float* x,
                const float* dy,
                float* dx,
                float* dW,
                float* db,
                const Execution& execution = {});

 private:
  void point_rows(i64 rows, const float* x, const float* y);
  [[nodiscard]] int threads_for(i64 rows, const Execution& execution) const;

  const Target* target_;
  Panels out_panels_, in_panels_;
  AlignedBuffer<float> weights_, bias_, transposed_, padded_, sum_;
  std::vector<const float*> x_rows_, y_rows_;
  std::vector<float*> out_rows_;
};

}  // namespace recurra
