#include "recurra/base/random.h"

#include <cmath>
#include <numbers>

namespace recurra {

namespace {

// Multipliers and key increments of Philox 4x32, from the paper.
constexpr std::uint64_t multiplier_0 = 0xD2511F53;
constexpr std::uint64_t multiplier_1 = 0xCD9E8D57;
constexpr std::uint32_t increment_0 = 0x9E3779B9;
constexpr std::uint32_t increment_1 = 0xBB67AE85;

constexpr std::uint32_t low(std::uint64_t value) {
  return static_cast<std::uint32_t>(value);
}

constexpr std::uint32_t high(std::uint64_t value) {
  return static_cast<std::uint32_t>(value >> 32);
}

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> x, std::uint64_t seed) noexcept {
  std::uint32_t key_0 = low(seed);
  std::uint32_t key_1 = high(seed);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = multiplier_0 * x[0];
    const std::uint64_t b = multiplier_1 * x[2];
    x = {high(b) ^ x[1] ^ key_0, low(b), high(a) ^ x[3] ^ key_1, low(a)};
    key_0 += increment_0;
    key_1 += increment_1;
  }
  return x;
}

}  // namespace

std::uint32_t Random::bits() noexcept {
  const std::uint64_t block = position_ / 4;
  if (block != cached_) {
    block_ = philox({low(block), high(block), low(stream_), high(stream_)}, seed_);
    cached_ = block;
  }
  return block_[position_++ % 4];
}

float Random::uniform() noexcept {
  return static_cast<float>(bits() >> 8) * 0x1p-24F;
}

float Random::uniform(float low, float high) noexcept {
  return low + (high - low) * uniform();
}

float Random::normal() noexcept {
  const double radius = 1.0 - static_cast<double>(bits()) * 0x1p-32;  // (0, 1]: the logarithm is finite
  const double angle = 2.0 * std::numbers::pi * static_cast<double>(bits()) * 0x1p-32;
  return static_cast<float>(std::sqrt(-2.0 * std::log(radius)) * std::cos(angle));
}

std::uint64_t Random::below(std::uint64_t bound) noexcept {
  const std::uint64_t limit = ~std::uint64_t{0} / bound * bound;
  while (true) {
    const std::uint64_t first = bits();
    const std::uint64_t draw = first << 32 | bits();
    if (draw < limit) return draw % bound;
  }
}

}  // namespace recurra
