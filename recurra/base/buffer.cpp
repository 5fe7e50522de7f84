#include "recurra/base/buffer.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include <sys/mman.h>

#include "recurra/base/recycled.h"
#include "recurra/base/shape.h"

namespace recurra {

namespace {

// A transparent huge page of x86-64 and aarch64. Below this a table of 4 KiB pages costs nothing measurable.
constexpr std::size_t large_page = std::size_t{2} << 20;

}  // namespace

namespace detail {

void AlignedDelete::operator()(void* memory) const noexcept {
  if (recycled > 0) return give_recycled(memory, recycled);
  std::free(memory);
}

void* allocate_aligned(std::size_t bytes) {
  const std::size_t alignment = bytes >= large_page ? large_page : cache_line;
  const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  if (rounded < bytes) throw std::bad_alloc();
  void* memory = std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
  if (memory == nullptr) throw std::bad_alloc();
  if (alignment == large_page) madvise(memory, rounded, MADV_HUGEPAGE);  // advice: failure changes nothing
  std::memset(memory, 0, rounded);
  return memory;
}

}  // namespace detail

template <class T>
AlignedBuffer<T>::AlignedBuffer(i64 size)
    : memory_(detail::allocate_aligned(
          static_cast<std::size_t>(checked_multiply(size, static_cast<i64>(sizeof(T)), "buffer")))),
      size_(size) {}

template class AlignedBuffer<float>;
template class AlignedBuffer<const float*>;
template class AlignedBuffer<float*>;
template class AlignedBuffer<int>;

}  // namespace recurra
