#include "recurra/data/npy_elements.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace recurra {

namespace {

static_assert(std::endian::native == std::endian::little, "elements are read in place");

/// IEEE 754 binary16: 1 bit of sign, 5 of exponent, 10 of fraction.
struct Half {
  std::uint16_t bits;

  explicit operator float() const noexcept {
    const int exponent = bits >> 10 & 0x1F;
    const int fraction = bits & 0x3FF;
    float value = exponent == 0 ? std::ldexp(static_cast<float>(fraction), -24)
                                : std::ldexp(static_cast<float>(fraction + 0x400), exponent - 25);
    if (exponent == 0x1F) value = fraction == 0 ? HUGE_VALF : std::nanf("");
    return std::copysign(value, (bits & 0x8000) != 0 ? -1.0F : 1.0F);
  }
};

/// One byte; NumPy writes 0 and 1.
struct Boolean {
  std::uint8_t byte;

  explicit operator std::uint8_t() const noexcept { return byte != 0 ? 1 : 0; }
};

template <class From, class To>
void convert(const std::byte* from, std::size_t count, bool swapped, void* to) {
  auto* out = static_cast<To*>(to);
  for (std::size_t i = 0; i < count; ++i, from += sizeof(From)) {
    std::array<std::byte, sizeof(From)> bytes;
    std::memcpy(bytes.data(), from, sizeof(From));
    if (swapped) std::ranges::reverse(bytes);
    out[i] = static_cast<To>(std::bit_cast<From>(bytes));
  }
}

template <class From, class To>
constexpr NpyElement element(std::string_view name) {
  return {name, sizeof(From), dtype_of<To>, std::is_same_v<From, To>, &convert<From, To>};
}

constexpr NpyElement elements[] = {
    element<Half, float>("f2"),
    element<float, float>("f4"),
    element<double, float>("f8"),
    element<Boolean, std::uint8_t>("b1"),
    element<std::uint8_t, std::uint8_t>("u1"),
    element<std::int8_t, std::int32_t>("i1"),
    element<std::int16_t, std::int32_t>("i2"),
    element<std::uint16_t, std::int32_t>("u2"),
    element<std::int32_t, std::int32_t>("i4"),
    element<std::uint32_t, std::int64_t>("u4"),
    element<std::int64_t, std::int64_t>("i8"),
};

}  // namespace

const NpyElement* find_npy_element(std::string_view name) noexcept {
  const NpyElement* found = std::ranges::find(elements, name, &NpyElement::name);
  return found == std::end(elements) ? nullptr : found;
}

std::string_view npy_name_of(Dtype dtype) noexcept {
  switch (dtype) {
    case Dtype::f32:
      return "<f4";
    case Dtype::u8:
      return "|u1";
    case Dtype::i32:
      return "<i4";
    case Dtype::i64:
      return "<i8";
  }
  return "";
}

}  // namespace recurra
