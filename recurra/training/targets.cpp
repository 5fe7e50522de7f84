#include "recurra/training/targets.h"

#include <algorithm>
#include <string>

#include "recurra/base/error.h"

namespace recurra {

namespace {

Shape without_last(const Shape& shape) {
  return Shape(std::vector<i64>(shape.extents().begin(), shape.extents().end() - 1));
}

void require_dtype(const char* name, const Tensor& tensor, bool allowed, const char* expected) {
  if (!allowed) throw Error(ErrorCode::dtype, name, expected, std::string(name_of(tensor.dtype())));
}

}  // namespace

OutputRows rows_of(const Tensor& output) {
  require_dtype("output", output, output.dtype() == Dtype::f32, "f32");
  if (output.shape().rank() < 2 || output.shape().back() < 1) {
    throw Error(
        ErrorCode::shape, "output", "(batch, ..., features), features from 1 up", output.shape().to_string());
  }
  return {output.size() / output.shape().back(), output.shape().back()};
}

std::span<const std::int32_t> labels_of(const Tensor& output, const Tensor& labels) {
  require_dtype("labels", labels, labels.dtype() == Dtype::i32, "i32");
  const Shape expected = without_last(output.shape());
  Shape column = output.shape();
  column[column.rank() - 1] = 1;
  if (labels.shape() != expected && labels.shape() != column) {
    throw Error(ErrorCode::shape, "labels", "shape " + expected.to_string(), labels.shape().to_string());
  }
  return labels.as<std::int32_t>();
}

std::span<const std::int32_t> check_labels(const Tensor& output,
                                           const Tensor& labels,
                                           std::optional<int> ignored) {
  const std::span<const std::int32_t> values = labels_of(output, labels);
  const i64 classes = output.shape().back();
  const auto bad = std::ranges::find_if(
      values, [&](std::int32_t label) { return (label < 0 || label >= classes) && label != ignored; });
  if (bad == values.end()) return values;
  throw Error(ErrorCode::invalid_argument,
              "labels[" + std::to_string(bad - values.begin()) + "]",
              "a class from 0 to " + std::to_string(classes - 1),
              std::to_string(*bad));
}

TargetValues::TargetValues(const Tensor& output, const Tensor& target, TargetKind kind) {
  const bool integers = target.dtype() == Dtype::i32 && kind == TargetKind::floats_or_integers;
  require_dtype("target",
                target,
                integers || target.dtype() == Dtype::f32,
                kind == TargetKind::floats ? "f32" : "f32 or i32");
  const bool one_a_row = rows_of(output).width == 1;
  const bool fits =
      target.shape() == output.shape() || (one_a_row && target.shape() == without_last(output.shape()));
  if (!fits) {
    throw Error(
        ErrorCode::shape, "target", "shape " + output.shape().to_string(), target.shape().to_string());
  }
  if (integers) {
    integers_ = target.as<std::int32_t>().data();
  } else {
    floats_ = target.data();
  }
}

}  // namespace recurra
