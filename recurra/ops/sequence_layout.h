/// How a tensor of some format becomes a sequence that the engine reads or writes. Time lies last only in
/// NST: there the engine works on a transposed copy.
///
/// Private to the library.
#pragma once

#include "recurra/engine/recurrence.h"
#include "recurra/ops/sequence_format.h"

namespace recurra::ops {

/// Extents of a sequence, whatever their order.
struct SequenceSizes {
  i64 steps = 0;
  i64 batch = 0;
  i64 width = 0;
};

/// The shape of a sequence of one direction.
[[nodiscard]] Shape shape_of(SequenceFormat format, const SequenceSizes& sizes);

/// What a shape of rank 3 means.
[[nodiscard]] SequenceSizes sizes_of(SequenceFormat format, const Shape& shape) noexcept;

/// `(steps, batch, features)` as errors say it, `width` being the word for the last of the three.
[[nodiscard]] std::string describe(SequenceFormat format, const char* width);

/// Memory in any format but NST.
template <class T>
[[nodiscard]] SequenceOf<T> sequence_of(SequenceFormat format, T* data, const SequenceSizes& sizes) {
  return format == SequenceFormat::nts ? batch_major(data, sizes.steps, sizes.width)
                                       : time_major(data, sizes.batch, sizes.width);
}

/// (batch, width, steps) -> (batch, steps, width), and back.
void transpose_to_steps(const SequenceSizes& sizes, const float* from, float* to) noexcept;
void transpose_from_steps(const SequenceSizes& sizes, const float* from, float* to) noexcept;

/// The elements of `tensor` to be read: its own, or of NST a transposed copy, which is put into `copy`.
[[nodiscard]] ConstSequence read_sequence(SequenceFormat format,
                                          const Tensor& tensor,
                                          const SequenceSizes& sizes,
                                          Tensor& copy);

/// Memory to be written for `tensor`, which becomes one of these sizes: its own, or of NST that of `copy`.
[[nodiscard]] Sequence write_sequence(SequenceFormat format,
                                      const SequenceSizes& sizes,
                                      Tensor& tensor,
                                      Tensor& copy);

/// Brings what was written to its tensor.
void finish_sequence(SequenceFormat format, const SequenceSizes& sizes, Tensor& tensor, const Tensor& copy);

}  // namespace recurra::ops
