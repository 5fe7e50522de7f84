#include "recurra/primitive/bind.h"

#include <algorithm>

#include "recurra/base/error.h"

namespace recurra::primitive {

namespace {

std::string expected_shape(const Expected& expected) {
  std::string text = "shape (";
  for (int axis = 0; axis < expected.rank; ++axis)
    text += (axis > 0 ? ", " : "") + std::to_string(expected.dims[axis]);
  return text + ") = " + expected.names;
}

[[noreturn]] void refuse(ErrorCode code,
                         const Expected& expected,
                         const std::string& wanted,
                         const std::string& got) {
  throw Error(code, expected.subject.text(), wanted, got);
}

bool has_shape(const TensorDesc& desc, const Expected& expected) noexcept {
  if (desc.rank() != expected.rank) return false;
  for (int axis = 0; axis < expected.rank; ++axis) {
    if (desc.dim(axis) != expected.dims[axis]) return false;
  }
  return true;
}

/// Whether two elements may lie at one place: some dimension's stride is within what the smaller ones span.
bool overlaps_itself(const TensorDesc& desc) noexcept {
  i64 span = 1;
  i64 least = 0;
  for (int count = 0; count < desc.rank(); ++count) {
    int next = -1;  // of the dimensions not seen yet, that of the smallest stride
    for (int axis = 0; axis < desc.rank(); ++axis) {
      if (desc.dim(axis) < 2 || desc.stride(axis) <= least) continue;
      if (next < 0 || desc.stride(axis) < desc.stride(next)) next = axis;
    }
    if (next < 0) break;
    least = desc.stride(next);
    if (least < span) return true;
    span += (desc.dim(next) - 1) * least;
  }
  // Two dimensions of one stride were seen once.
  for (int a = 0; a < desc.rank(); ++a) {
    for (int b = 0; b < a; ++b) {
      if (desc.dim(a) > 1 && desc.dim(b) > 1 && desc.stride(a) == desc.stride(b)) return true;
    }
  }
  return false;
}

void check_strides(const TensorDesc& desc, const Expected& expected) {
  const int last = desc.rank() - 1;
  if (expected.dense_channels && desc.dim(last) > 1 && desc.stride(last) != 1) {
    refuse(ErrorCode::shape,
           expected,
           "a last dimension of stride 1",
           "stride " + std::to_string(desc.stride(last)));
  }
  if (expected.dense_rows && desc.dim(last - 1) > 1 && desc.stride(last - 1) != desc.dim(last)) {
    refuse(ErrorCode::shape,
           expected,
           "rows of stride " + std::to_string(desc.dim(last)),
           "stride " + std::to_string(desc.stride(last - 1)));
  }
  if (expected.written && overlaps_itself(desc))
    refuse(ErrorCode::shape, expected, "strides that keep its elements apart", "elements in one place");
}

}  // namespace

void check_tensor(const ConstTensorView& view, const Expected& expected) {
  if (!view.exists()) {
    if (expected.required) refuse(ErrorCode::invalid_argument, expected, expected_shape(expected), "none");
    return;
  }
  const TensorDesc& desc = view.desc();
  if (desc.type() != DataType::f32) refuse(ErrorCode::dtype, expected, "f32", name_of(desc.type()));
  if (!has_shape(desc, expected))
    refuse(ErrorCode::shape, expected, expected_shape(expected), desc.to_string());
  check_strides(desc, expected);
  if (view.bytes() >= 0 && view.bytes() < desc.size()) {
    refuse(ErrorCode::shape,
           expected,
           "memory of " + std::to_string(desc.size()) + " bytes",
           std::to_string(view.bytes()));
  }
  if (desc.extent() > 0 && view.data() == nullptr)
    refuse(ErrorCode::invalid_argument, expected, "memory", "null");
  if (reinterpret_cast<std::uintptr_t>(view.data()) % alignof(float) != 0)
    refuse(ErrorCode::invalid_argument, expected, "memory aligned for floats", "an address between two");
}

void check_absent(const ConstTensorView& view, const char* name, const char* why) {
  if (!view.exists()) return;
  throw Error(ErrorCode::invalid_argument,
              name,
              std::string("none, since ") + why,
              "one of shape " + view.desc().to_string());
}

}  // namespace recurra::primitive
