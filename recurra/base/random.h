/// Random numbers that are a function of (seed, stream, position): the same on every machine and for any
/// number of threads.
#pragma once

#include <array>
#include <cstdint>

#include "recurra/base/platform.h"

namespace recurra {

/// Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).
class RECURRA_API Random {
 public:
  /// Numbers of the same seed and stream are the same; of another stream, independent ones.
  explicit Random(std::uint64_t seed, std::uint64_t stream = 0) noexcept : seed_(seed), stream_(stream) {}

  /// 32 uniform bits.
  std::uint32_t bits() noexcept;

  /// Uniform in [0, 1), 24 bits.
  float uniform() noexcept;

  /// Uniform in [low, high).
  float uniform(float low, float high) noexcept;

  /// Standard normal (Box and Muller, one value per two draws).
  float normal() noexcept;

  /// Uniform in [0, bound), without bias; `bound` > 0.
  std::uint64_t below(std::uint64_t bound) noexcept;

  /// Draws so far; `seek` takes it back.
  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }

  /// Continues as if `position` draws had been made.
  void seek(std::uint64_t position) noexcept { position_ = position; }

 private:
  std::uint64_t seed_;
  std::uint64_t stream_;
  std::uint64_t position_ = 0;
  std::uint64_t cached_ = ~std::uint64_t{0};
  std::array<std::uint32_t, 4> block_{};
};

}  // namespace recurra
