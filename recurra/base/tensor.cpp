#include "recurra/base/tensor.h"

#include <cstring>
#include <string>
#include <utility>

#include "recurra/base/error.h"
#include "recurra/base/recycled.h"

namespace recurra {

namespace {

std::size_t checked_bytes(i64 size, Dtype dtype) {
  return static_cast<std::size_t>(checked_multiply(size, static_cast<i64>(size_of(dtype)), "tensor"));
}

}  // namespace

Tensor::Tensor(Shape shape, Dtype dtype)
    : shape_(std::move(shape)),
      dtype_(dtype),
      size_(shape_.elements()),
      capacity_(checked_bytes(size_, dtype)),
      memory_(detail::allocate_aligned(capacity_)) {}

Tensor Tensor::recycled(Shape shape, Dtype dtype) {
  Tensor tensor;
  tensor.size_ = shape.elements();
  tensor.shape_ = std::move(shape);
  tensor.dtype_ = dtype;
  tensor.memory_ = detail::take_recycled(checked_bytes(tensor.size_, dtype));
  tensor.capacity_ = tensor.memory_.get_deleter().recycled;
  return tensor;
}

Tensor::Tensor(const Tensor& other) : Tensor(other.shape_, other.dtype_) {
  if (size_ > 0) std::memcpy(memory_.get(), other.memory_.get(), bytes());
}

Tensor& Tensor::operator=(const Tensor& other) {
  if (this != &other) *this = Tensor(other);
  return *this;
}

void Tensor::reshape(Shape shape) {
  if (shape.elements() != size_) {
    throw Error(ErrorCode::shape, "reshape", std::to_string(size_) + " elements", shape.to_string());
  }
  shape_ = std::move(shape);
}

void Tensor::resize(const Shape& shape) {
  const i64 size = shape.elements();
  if (checked_bytes(size, dtype_) > capacity_) {
    *this = Tensor(shape, dtype_);
    return;
  }
  shape_ = shape;
  size_ = size;
}

void Tensor::require_dtype(Dtype dtype) const {
  if (dtype != dtype_) {
    throw Error(ErrorCode::dtype, "tensor", std::string(name_of(dtype)), std::string(name_of(dtype_)));
  }
}

}  // namespace recurra
