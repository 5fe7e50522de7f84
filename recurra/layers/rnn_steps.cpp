#include "recurra/layers/rnn_steps.h"

#include <algorithm>
#include <cstring>

namespace recurra {

using autograd::Variable;

namespace {

// Bytes of a row of a step, and of a row of all steps.
struct RowBytes {
  std::size_t step;
  std::size_t all;

  explicit RowBytes(const Tensor& sequence)
      : step(0), all(sequence.bytes() / static_cast<std::size_t>(std::max<i64>(sequence.shape()[0], 1))) {
    step = all / static_cast<std::size_t>(std::max<i64>(sequence.shape()[1], 1));
  }
};

}  // namespace

Tensor step_of(const Tensor& sequence, i64 step) {
  std::vector<i64> extents = sequence.shape().extents();
  extents.erase(extents.begin() + 1);
  Tensor values = Tensor::recycled(Shape(std::move(extents)), sequence.dtype());
  const RowBytes bytes(sequence);
  const auto* from =
      static_cast<const std::byte*>(sequence.raw()) + static_cast<std::size_t>(step) * bytes.step;
  auto* to = static_cast<std::byte*>(values.raw());
  for (i64 row = 0; bytes.step > 0 && row < sequence.shape()[0]; ++row) {
    std::memcpy(to, from, bytes.step);
    from += bytes.all;
    to += bytes.step;
  }
  return values;
}

void put_step(const Tensor* values, i64 step, Tensor& sequence) {
  const RowBytes bytes(sequence);
  auto* to = static_cast<std::byte*>(sequence.raw()) + static_cast<std::size_t>(step) * bytes.step;
  const auto* from = values == nullptr ? nullptr : static_cast<const std::byte*>(values->raw());
  for (i64 row = 0; bytes.step > 0 && row < sequence.shape()[0]; ++row) {
    if (from == nullptr) {
      std::memset(to, 0, bytes.step);
    } else {
      std::memcpy(to, from, bytes.step);
      from += bytes.step;
    }
    to += bytes.all;
  }
}

Shape with_axes(std::initializer_list<i64> axes, const Shape& shape) {
  std::vector<i64> extents = axes;
  extents.insert(extents.end(), shape.extents().begin(), shape.extents().end());
  return Shape(std::move(extents));
}

Variable zeros(const Shape& shape) {
  Tensor tensor = Tensor::recycled(shape);
  std::ranges::fill(tensor.as<float>(), 0.0F);
  return Variable(std::move(tensor));
}

CountedRows::CountedRows(const StepMask* mask, i64 step) : mask_(mask), step_(step) {
  if (mask == nullptr) return;
  batch_ = mask->batch();
  for (i64 row = 0; row < batch_; ++row) counted_ += mask->counts(row, step) ? 1 : 0;
}

Variable CountedRows::choose(const Variable& made, const Variable& before) const {
  std::vector<i64> extents(static_cast<std::size_t>(made.shape().rank()), 1);
  extents[0] = batch_;
  Tensor flags = Tensor::recycled(Shape(std::move(extents)), Dtype::u8);
  for (i64 row = 0; row < batch_; ++row)
    flags.as<std::uint8_t>()[static_cast<std::size_t>(row)] = mask_->counts(row, step_) ? 1 : 0;
  return where(Variable(std::move(flags)), made, before);
}

}  // namespace recurra
