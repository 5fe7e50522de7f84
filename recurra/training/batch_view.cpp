#include "recurra/training/batch_view.h"

#include <string>

#include "recurra/base/error.h"

namespace recurra {

namespace {

void check_mask(const BatchView& batch) {
  if (!batch.lengths.empty())
    throw Error(ErrorCode::invalid_argument, "batch.mask", "lengths or a mask", "both");
  if (batch.mask->dtype() != Dtype::u8)
    throw Error(ErrorCode::dtype, "batch.mask", "u8", std::string(name_of(batch.mask->dtype())));
  const Shape expected{batch.rows(), batch.x->shape()[1]};
  if (batch.mask->shape() != expected) {
    throw Error(
        ErrorCode::shape, "batch.mask", "shape " + expected.to_string(), batch.mask->shape().to_string());
  }
}

void check_rows(std::span<const Tensor> tensors, const char* list, i64 rows) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Shape& shape = tensors[i].shape();
    if (shape.rank() >= 1 && shape[0] == rows) continue;
    throw Error(ErrorCode::shape,
                std::string(list) + "[" + std::to_string(i) + "]",
                "(" + std::to_string(rows) + ", ...), as many rows as x has",
                shape.to_string());
  }
}

}  // namespace

void check_batch(const BatchView& batch) {
  const Shape& x = batch.x->shape();
  if (x.rank() < 2) {
    throw Error(ErrorCode::shape, "batch.x", "(examples, ..., features) or (examples, steps)", x.to_string());
  }
  if (batch.y != nullptr && (batch.y->shape().rank() < 1 || batch.y->shape()[0] != x[0])) {
    throw Error(ErrorCode::shape,
                "batch.y",
                "(" + std::to_string(x[0]) + ", ...), a target for each example",
                batch.y->shape().to_string());
  }
  if (!batch.lengths.empty() && static_cast<i64>(batch.lengths.size()) != x[0]) {
    throw Error(ErrorCode::shape,
                "batch.lengths",
                std::to_string(x[0]) + " lengths",
                std::to_string(batch.lengths.size()));
  }
  if (batch.mask != nullptr) check_mask(batch);
  check_rows(batch.more_x, "batch.more_x", x[0]);
  check_rows(batch.more_y, "batch.more_y", x[0]);
}

}  // namespace recurra
