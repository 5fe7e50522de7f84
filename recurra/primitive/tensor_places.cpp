#include "recurra/primitive/tensor_places.h"

#include <algorithm>

#include "recurra/base/error.h"

namespace recurra::primitive {

namespace {

i64 stride_bytes(const TensorDesc& desc, int axis) noexcept {
  return desc.stride(axis) * size_of(desc.type());
}

/// Bytes from an element to behind the last of the same row, where all strides from `row` up are multiples of
/// it; else 0. A dimension of one element has no stride that counts.
i64 span_of(const TensorDesc& desc, i64 row) noexcept {
  i64 span = size_of(desc.type());
  for (int axis = 0; axis < desc.rank(); ++axis) {
    const i64 stride = stride_bytes(desc, axis);
    if (desc.dim(axis) < 2 || (stride >= row && stride % row == 0)) continue;
    if (stride >= row) return 0;
    span += (desc.dim(axis) - 1) * stride;
  }
  return span;
}

}  // namespace

std::string Subject::text() const {
  if (layer < 0) return name;
  return name + (" of layer " + std::to_string(layer)) + ", direction " + std::to_string(direction);
}

void TensorPlaces::add(
    const Subject& subject, const void* memory, i64 bytes, const TensorDesc* desc, Access access, int pair) {
  if (bytes == 0) return;
  const auto first = reinterpret_cast<std::intptr_t>(memory);
  places_.push_back({subject, first, first + bytes, desc, access, pair, places_.size()});
}

/// Whether both are columns of one tensor whose rows begin every `row` bytes.
bool TensorPlaces::are_columns(const Place& a, const Place& b, i64 row) noexcept {
  const i64 x = a.desc != nullptr ? span_of(*a.desc, row) : a.last - a.first;
  const i64 y = b.desc != nullptr ? span_of(*b.desc, row) : b.last - b.first;
  if (x == 0 || y == 0) return false;
  const i64 column = ((b.first - a.first) % row + row) % row;
  return column >= x && column + y <= row;
}

bool TensorPlaces::are_apart(const Place& a, const Place& b) noexcept {
  for (const Place* one : {&a, &b}) {
    if (one->desc == nullptr) continue;
    for (int axis = 0; axis < one->desc->rank(); ++axis) {
      if (one->desc->dim(axis) > 1 && are_columns(a, b, stride_bytes(*one->desc, axis))) return true;
    }
  }
  return false;
}

void TensorPlaces::refuse(const Place& a, const Place& b) {
  // What is written is at fault; of two such tensors the one named later.
  const bool both = a.access == b.access;
  const bool first = both ? a.order > b.order : a.access == Access::written;
  const Place& written = first ? a : b;
  const Place& other = first ? b : a;
  throw Error(ErrorCode::invalid_argument,
              written.subject.text(),
              "memory apart from that of " + other.subject.text(),
              "memory that overlaps it");
}

void TensorPlaces::check() {
  std::ranges::sort(places_, {}, &Place::first);
  for (auto a = places_.begin(); a != places_.end(); ++a) {
    for (auto b = a + 1; b != places_.end() && b->first < a->last; ++b) {
      if (a->access == Access::read && b->access == Access::read) continue;
      const bool same =
          a->first == b->first && a->desc != nullptr && b->desc != nullptr && *a->desc == *b->desc;
      if (a->pair != 0 && a->pair == b->pair && same) continue;
      if (!are_apart(*a, *b)) refuse(*a, *b);
    }
  }
}

}  // namespace recurra::primitive
