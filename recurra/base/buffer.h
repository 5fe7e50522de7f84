/// Aligned memory of fixed size for packs and workspaces.
#pragma once

#include <memory>
#include <span>

#include "recurra/base/platform.h"

namespace recurra {

namespace detail {

struct RECURRA_API AlignedDelete {
  std::size_t recycled = 0;  ///< bytes of memory that goes back to take_recycled; 0: to the system

  void operator()(void* memory) const noexcept;
};

/// `bytes` zeroed bytes at a cache line; from 2 MiB on, large pages are asked for. Throws std::bad_alloc.
[[nodiscard]] RECURRA_API void* allocate_aligned(std::size_t bytes);

}  // namespace detail

/// Owns `size` zeroed elements of a trivial type at a cache line. Movable, not copyable.
template <class T>
class RECURRA_API AlignedBuffer {
 public:
  AlignedBuffer() = default;

  /// Throws Error (invalid_argument) where the size in bytes overflows, std::bad_alloc where memory ends.
  explicit AlignedBuffer(i64 size);

  /// The first element; null where there is none.
  [[nodiscard]] T* data() noexcept { return static_cast<T*>(memory_.get()); }

  [[nodiscard]] const T* data() const noexcept { return static_cast<const T*>(memory_.get()); }

  [[nodiscard]] i64 size() const noexcept { return size_; }

  /// At least `size` elements afterwards; what it held is lost if it had to grow.
  void grow(i64 size) {
    if (size > size_) *this = AlignedBuffer(size);
  }

 private:
  std::unique_ptr<void, detail::AlignedDelete> memory_;
  i64 size_ = 0;
};

extern template class AlignedBuffer<float>;
extern template class AlignedBuffer<const float*>;
extern template class AlignedBuffer<float*>;
extern template class AlignedBuffer<int>;

}  // namespace recurra
