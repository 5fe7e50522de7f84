/// Memory for a workspace as a caller gives it: as much as was asked for, holding nothing that makes sense.
#pragma once

#include <algorithm>
#include <memory>
#include <span>

#include "recurra/base/buffer.h"

namespace recurra::test {

class GivenMemory {
 public:
  /// `bytes` at a cache line, every float not a number.
  std::span<std::byte> take(i64 bytes) {
    memory_.reset(detail::allocate_aligned(static_cast<std::size_t>(bytes)));
    given_ = {static_cast<std::byte*>(memory_.get()), static_cast<std::size_t>(bytes)};
    fill();
    return given_;
  }

  void fill() { std::ranges::fill(given_, std::byte{0xff}); }

 private:
  std::unique_ptr<void, detail::AlignedDelete> memory_;
  std::span<std::byte> given_;
};

}  // namespace recurra::test
