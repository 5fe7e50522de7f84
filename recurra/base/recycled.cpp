#include "recurra/base/recycled.h"

#include <array>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <new>
#include <vector>

namespace recurra {

namespace {

// Sizes are 4, 5, 6 or 7 times a power of two: at most a quarter is not used.
constexpr std::size_t least_size = 4 * cache_line;
constexpr std::size_t size_count = 4 * 40;

std::size_t size_of_class(std::size_t index) {
  return (4 + index % 4) * cache_line << index / 4;
}

// Of the smallest size that holds `bytes`.
std::size_t class_of(std::size_t bytes) {
  if (bytes <= least_size) return 0;
  const std::size_t lines = (bytes + cache_line - 1) / cache_line;
  const auto shift = static_cast<std::size_t>(std::bit_width(lines)) - 3;
  const std::size_t quarters = (lines + (std::size_t{1} << shift) - 1) >> shift;  // 4 to 8
  return 4 * shift + quarters - 4;
}

struct Pool {
  std::mutex mutex;
  std::array<std::vector<void*>, size_count> free;
  std::size_t bytes = 0;
};

// Never destroyed: a tensor may outlive any other object.
Pool& pool() {
  static Pool& all = *new Pool;
  return all;
}

// One takes the mutex by a try alone: a child of fork may find it taken for ever.
using TryLock = std::unique_lock<std::mutex>;

}  // namespace

namespace detail {

std::unique_ptr<void, AlignedDelete> take_recycled(std::size_t bytes) {
  const std::size_t index = class_of(bytes);
  if (index >= size_count) throw std::bad_alloc();
  const AlignedDelete give{size_of_class(index)};
  {
    Pool& all = pool();
    const TryLock lock(all.mutex, std::try_to_lock);
    if (lock.owns_lock() && !all.free[index].empty()) {
      void* memory = all.free[index].back();
      all.free[index].pop_back();
      all.bytes -= give.recycled;
      return {memory, give};
    }
  }
  return {allocate_aligned(give.recycled), give};
}

void give_recycled(void* memory, std::size_t bytes) noexcept {
  Pool& all = pool();
  const TryLock lock(all.mutex, std::try_to_lock);
  if (lock.owns_lock()) {
    try {
      all.free[class_of(bytes)].push_back(memory);
      all.bytes += bytes;
      return;
    } catch (const std::bad_alloc&) {  // no room for the list: the system has it back
    }
  }
  std::free(memory);
}

}  // namespace detail

std::size_t recycled_memory() noexcept {
  Pool& all = pool();
  const std::lock_guard lock(all.mutex);
  return all.bytes;
}

void release_recycled_memory() noexcept {
  Pool& all = pool();
  const std::lock_guard lock(all.mutex);
  for (std::vector<void*>& list : all.free) {
    for (void* memory : list) std::free(memory);
    list = {};
  }
  all.bytes = 0;
}

}  // namespace recurra
