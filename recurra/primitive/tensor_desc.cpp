#include "recurra/primitive/tensor_desc.h"

#include <algorithm>

#include "recurra/base/error.h"
#include "recurra/base/shape.h"

namespace recurra::primitive {

namespace {

/// A tag's name, and its places in memory, outermost first, as logical dimensions.
struct Order {
  const char* name;
  int rank;
  int axes[max_rank];
};

constexpr Order orders[] = {{"tnc", 3, {0, 1, 2}},
                            {"ntc", 3, {1, 0, 2}},
                            {"ldnc", 4, {0, 1, 2, 3}},
                            {"ldtnc", 5, {0, 1, 2, 3, 4}},
                            {"ldntc", 5, {0, 1, 3, 2, 4}},
                            {"ldigo", 5, {0, 1, 2, 3, 4}},
                            {"ldgoi", 5, {0, 1, 3, 4, 2}},
                            {"ldgo", 4, {0, 1, 2, 3}},
                            {"ldio", 4, {0, 1, 2, 3}},
                            {"ldoi", 4, {0, 1, 3, 2}},
                            {"igo", 3, {0, 1, 2}},
                            {"goi", 3, {1, 2, 0}},
                            {"go", 2, {0, 1}},
                            {"io", 2, {0, 1}},
                            {"oi", 2, {1, 0}}};

/// Null for a value that is no tag.
const Order* order_of(FormatTag tag) noexcept {
  const auto index = static_cast<std::size_t>(tag);
  return index < std::size(orders) ? &orders[index] : nullptr;
}

const Order& checked_order(FormatTag tag) {
  if (const Order* order = order_of(tag)) return *order;
  std::string names;
  for (const Order& order : orders) names += (names.empty() ? "" : ", ") + std::string(order.name);
  throw Error(ErrorCode::unsupported, "tensor format", names, std::to_string(static_cast<int>(tag)));
}

void check_type(DataType type) {
  if (size_of(type) > 0) return;
  throw Error(ErrorCode::unsupported,
              "tensor data type",
              "f32, bf16, f16, s8, u8, s32",
              std::to_string(static_cast<int>(type)));
}

}  // namespace

const char* name_of(FormatTag tag) noexcept {
  const Order* order = order_of(tag);
  return order != nullptr ? order->name : "unknown";
}

TensorDesc::TensorDesc(std::initializer_list<i64> dims, FormatTag tag, DataType type) : type_(type) {
  const Order& order = checked_order(tag);
  check_type(type);
  set_dims(dims);
  if (order.rank != rank_) {
    throw Error(ErrorCode::shape,
                "tensor",
                std::to_string(order.rank) + " dimensions for " + order.name,
                std::to_string(rank_));
  }
  i64 stride = 1;
  for (int place = rank_ - 1; place >= 0; --place) {
    const int axis = order.axes[place];
    strides_[axis] = stride;
    stride = checked_multiply(stride, std::max<i64>(dims_[axis], 1), "tensor");
  }
  check_size();
}

TensorDesc::TensorDesc(std::initializer_list<i64> dims, std::initializer_list<i64> strides, DataType type)
    : type_(type) {
  check_type(type);
  set_dims(dims);
  if (strides.size() != dims.size()) {
    throw Error(
        ErrorCode::shape, "tensor", std::to_string(rank_) + " strides", std::to_string(strides.size()));
  }
  std::ranges::copy(strides, strides_);
  for (int axis = 0; axis < rank_; ++axis) {
    if (strides_[axis] < 1) {
      throw Error(ErrorCode::invalid_argument, "tensor", "strides from 1 up", std::to_string(strides_[axis]));
    }
  }
  check_size();
}

void TensorDesc::set_dims(std::initializer_list<i64> dims) {
  if (dims.size() == 0 || dims.size() > max_rank) {
    throw Error(ErrorCode::shape,
                "tensor",
                "1 to " + std::to_string(max_rank) + " dimensions",
                std::to_string(dims.size()));
  }
  rank_ = static_cast<int>(dims.size());
  std::ranges::copy(dims, dims_);
  for (int axis = 0; axis < rank_; ++axis) {
    if (dims_[axis] < 0) throw Error(ErrorCode::invalid_argument, "tensor", "extents from 0 up", to_string());
  }
}

/// The size in bytes must fit.
void TensorDesc::check_size() const {
  i64 last = 0;
  for (int axis = 0; axis < rank_; ++axis) {
    const i64 offset = checked_multiply(std::max<i64>(dims_[axis] - 1, 0), strides_[axis], "tensor");
    if (__builtin_add_overflow(last, offset, &last))
      throw Error(ErrorCode::invalid_argument, "tensor", "a size that fits 64 bits", to_string());
  }
  static_cast<void>(checked_multiply(last, 2 * size_of(type_), "tensor"));
}

i64 TensorDesc::extent() const noexcept {
  i64 last = rank_ > 0 ? 1 : 0;
  for (int axis = 0; axis < rank_; ++axis) {
    if (dims_[axis] == 0) return 0;
    last += (dims_[axis] - 1) * strides_[axis];
  }
  return last;
}

std::string TensorDesc::to_string() const {
  return Shape(std::vector<i64>(dims_, dims_ + rank_)).to_string();
}

i64 checked_bytes(i64 bytes) {
  if (bytes >= -1) return bytes;
  throw Error(ErrorCode::invalid_argument,
              "bytes of a tensor's memory",
              "0 or more, or -1 for as many as it needs",
              std::to_string(bytes));
}

}  // namespace recurra::primitive
