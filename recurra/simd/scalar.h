/// The vector class of every platform: four floats in the compiler's portable vector arithmetic, no
/// instruction beyond the platform's baseline. Its fma rounds twice where the baseline has no fused form.
#pragma once

#include "recurra/base/platform.h"

namespace recurra::RECURRA_TARGET_NAME {

struct Vec {
  static constexpr int width = 4;
  static constexpr int registers = 16;
  using Mask = int;  // the number of lanes, counted from the first

  using Raw [[gnu::vector_size(16)]] = float;
  using Integer [[gnu::vector_size(16)]] = int;
  using Unaligned [[gnu::vector_size(16), gnu::aligned(4), gnu::may_alias]] = float;

  Raw v;

  Vec() = default;

  RECURRA_INLINE Vec(Raw raw) : v(raw) {}

  RECURRA_INLINE explicit Vec(float x) : v(Raw{x, x, x, x}) {}

  RECURRA_INLINE static Vec zero() { return Raw{0.0F, 0.0F, 0.0F, 0.0F}; }

  RECURRA_INLINE static Mask first(int n) { return n; }

  RECURRA_INLINE static Vec load(const float* p) { return Raw(*reinterpret_cast<const Unaligned*>(p)); }

  RECURRA_INLINE static Vec load(const float* p, Mask m) {
    return Raw{m > 0 ? p[0] : 0.0F, m > 1 ? p[1] : 0.0F, m > 2 ? p[2] : 0.0F, m > 3 ? p[3] : 0.0F};
  }

  RECURRA_INLINE void store(float* p) const { *reinterpret_cast<Unaligned*>(p) = v; }

  RECURRA_INLINE void store(float* p, Mask m) const {
    if (m > 0) p[0] = v[0];
    if (m > 1) p[1] = v[1];
    if (m > 2) p[2] = v[2];
    if (m > 3) p[3] = v[3];
  }
};

RECURRA_INLINE Vec operator+(Vec a, Vec b) {
  return a.v + b.v;
}

RECURRA_INLINE Vec operator-(Vec a, Vec b) {
  return a.v - b.v;
}

RECURRA_INLINE Vec operator*(Vec a, Vec b) {
  return a.v * b.v;
}

RECURRA_INLINE Vec operator/(Vec a, Vec b) {
  return a.v / b.v;
}

RECURRA_INLINE Vec fma(Vec a, Vec b, Vec c) {
  return a.v * b.v + c.v;
}

RECURRA_INLINE Vec min(Vec a, Vec b) {
  return a.v < b.v ? a.v : b.v;
}

RECURRA_INLINE Vec max(Vec a, Vec b) {
  return a.v > b.v ? a.v : b.v;
}

RECURRA_INLINE Vec abs(Vec a) {
  return Vec::Raw(Vec::Integer(a.v) & 0x7FFFFFFF);
}

/// a < b ? x : y, lane by lane; y where one of a and b is NaN.
RECURRA_INLINE Vec where_less(Vec a, Vec b, Vec x, Vec y) {
  return a.v < b.v ? x.v : y.v;
}

/// The nearest whole number, for |a| < 2^22: adding 1.5 * 2^23 leaves no room for a fraction.
RECURRA_INLINE Vec round(Vec a) {
  const Vec big(12582912.0F);
  return (a + big) - big;
}

/// a * 2^n for whole n from -250 to 250, in two steps as one exponent holds but half of that.
RECURRA_INLINE Vec scale2(Vec a, Vec n) {
  const auto whole = __builtin_convertvector(n.v, Vec::Integer);
  const Vec::Integer half = whole >> 1;
  return a.v * Vec::Raw((half + 127) << 23) * Vec::Raw((whole - half + 127) << 23);
}

}  // namespace recurra::RECURRA_TARGET_NAME
