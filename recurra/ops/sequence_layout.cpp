#include "recurra/ops/sequence_layout.h"

#include <algorithm>

namespace recurra::ops {

namespace {

constexpr i64 tile = 16;  // rows of a cache line: those a tile reads and writes stay in the first level

/// One tile of a transposition.
void transpose_tile(
    i64 rows, i64 columns, const float* from, i64 from_stride, float* to, i64 to_stride) noexcept {
  for (i64 column = 0; column < columns; ++column) {
    const float* source = from + column;
    float* line = to + column * to_stride;
    for (i64 row = 0; row < rows; ++row) line[row] = source[row * from_stride];
  }
}

/// (rows, columns) -> (columns, rows).
void transpose(i64 rows, i64 columns, const float* from, float* to) noexcept {
  for (i64 row = 0; row < rows; row += tile) {
    for (i64 column = 0; column < columns; column += tile) {
      transpose_tile(std::min(tile, rows - row),
                     std::min(tile, columns - column),
                     from + row * columns + column,
                     columns,
                     to + column * rows + row,
                     rows);
    }
  }
}

}  // namespace

const char* name_of(SequenceFormat format) noexcept {
  switch (format) {
    case SequenceFormat::tns:
      return "TNS";
    case SequenceFormat::nst:
      return "NST";
    case SequenceFormat::nts:
      return "NTS";
    case SequenceFormat::t2ns:
      return "T2NS";
  }
  return "unknown";
}

Shape shape_of(SequenceFormat format, const SequenceSizes& s) {
  switch (format) {
    case SequenceFormat::nst:
      return {s.batch, s.width, s.steps};
    case SequenceFormat::nts:
      return {s.batch, s.steps, s.width};
    default:
      return {s.steps, s.batch, s.width};
  }
}

SequenceSizes sizes_of(SequenceFormat format, const Shape& shape) noexcept {
  switch (format) {
    case SequenceFormat::nst:
      return {shape[2], shape[0], shape[1]};
    case SequenceFormat::nts:
      return {shape[1], shape[0], shape[2]};
    default:
      return {shape[0], shape[1], shape[2]};
  }
}

std::string describe(SequenceFormat format, const char* width) {
  const std::string word(width);
  switch (format) {
    case SequenceFormat::nst:
      return "(batch, " + word + ", steps)";
    case SequenceFormat::nts:
      return "(batch, steps, " + word + ")";
    default:
      return "(steps, batch, " + word + ")";
  }
}

void transpose_to_steps(const SequenceSizes& s, const float* from, float* to) noexcept {
  const i64 size = s.steps * s.width;
  for (i64 row = 0; row < s.batch; ++row) transpose(s.width, s.steps, from + row * size, to + row * size);
}

void transpose_from_steps(const SequenceSizes& s, const float* from, float* to) noexcept {
  const i64 size = s.steps * s.width;
  for (i64 row = 0; row < s.batch; ++row) transpose(s.steps, s.width, from + row * size, to + row * size);
}

ConstSequence read_sequence(SequenceFormat format,
                            const Tensor& tensor,
                            const SequenceSizes& sizes,
                            Tensor& copy) {
  if (format != SequenceFormat::nst) return sequence_of(format, tensor.data(), sizes);
  copy = Tensor::recycled({sizes.batch, sizes.steps, sizes.width});
  transpose_to_steps(sizes, tensor.data(), copy.data());
  return batch_major<const float>(copy.data(), sizes.steps, sizes.width);
}

Sequence write_sequence(SequenceFormat format, const SequenceSizes& sizes, Tensor& tensor, Tensor& copy) {
  tensor = Tensor::recycled(shape_of(format, sizes));
  if (format != SequenceFormat::nst) return sequence_of(format, tensor.data(), sizes);
  copy = Tensor::recycled({sizes.batch, sizes.steps, sizes.width});
  return batch_major(copy.data(), sizes.steps, sizes.width);
}

void finish_sequence(SequenceFormat format, const SequenceSizes& sizes, Tensor& tensor, const Tensor& copy) {
  if (format == SequenceFormat::nst) transpose_from_steps(sizes, copy.data(), tensor.data());
}

}  // namespace recurra::ops
