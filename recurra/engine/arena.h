/// Memory handed out region by region, or only counted.
///
/// Private to the library.
#pragma once

#include <initializer_list>
#include <span>

#include "recurra/base/shape.h"
#include "recurra/engine/workspace.h"

namespace recurra {

/// Product of sizes, checked.
[[nodiscard]] inline i64 product(std::initializer_list<i64> sizes) {
  i64 result = 1;
  for (const i64 size : sizes) result = checked_multiply(result, size, "workspace");
  return result;
}

/// Memory handed out from its start, every region at a cache line.
class Arena {
 public:
  explicit Arena(std::byte* base) noexcept : base_(base) {}

  template <class T>
  void take(i64 count, std::span<T>& region) {
    region = {};
    if (count == 0) return;
    const i64 bytes = product({count, static_cast<i64>(sizeof(T))});
    if (base_ != nullptr) region = {reinterpret_cast<T*>(base_ + used_), static_cast<std::size_t>(count)};
    constexpr i64 line = workspace_alignment;
    const i64 lines = bytes / line + (bytes % line != 0 ? 1 : 0);
    used_ = checked_add(used_, product({lines, line}), "workspace");
  }

  [[nodiscard]] i64 used() const noexcept { return used_; }

 private:
  std::byte* base_;
  i64 used_ = 0;
};

}  // namespace recurra
