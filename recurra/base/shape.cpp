#include "recurra/base/shape.h"

#include "recurra/base/error.h"

namespace recurra {

i64 checked_multiply(i64 a, i64 b, const char* subject) {
  i64 product = 0;
  if (a < 0 || b < 0 || __builtin_mul_overflow(a, b, &product)) {
    throw Error(ErrorCode::invalid_argument,
                subject,
                "sizes whose product fits into 63 bits",
                std::to_string(a) + " * " + std::to_string(b));
  }
  return product;
}

i64 checked_add(i64 a, i64 b, const char* subject) {
  i64 sum = 0;
  if (a < 0 || b < 0 || __builtin_add_overflow(a, b, &sum)) {
    throw Error(ErrorCode::invalid_argument,
                subject,
                "sizes whose sum fits into 63 bits",
                std::to_string(a) + " + " + std::to_string(b));
  }
  return sum;
}

i64 Shape::elements() const {
  i64 count = 1;
  for (const i64 extent : extents_) {
    if (extent < 0 || __builtin_mul_overflow(count, extent, &count)) {
      throw Error(ErrorCode::invalid_argument,
                  "shape",
                  "extents from 0 up whose product fits into 63 bits",
                  to_string());
    }
  }
  return count;
}

std::string Shape::to_string() const {
  std::string text = "(";
  for (std::size_t axis = 0; axis < extents_.size(); ++axis) {
    if (axis > 0) text += ", ";
    text += std::to_string(extents_[axis]);
  }
  if (extents_.size() == 1) text += ",";
  return text + ")";
}

}  // namespace recurra
