/// The vector class of AVX-512 (F, VL, DQ, BW): 16 floats, 32 registers, masks in registers of their own.
#pragma once

#include <immintrin.h>

#include "recurra/base/platform.h"
#include "recurra/simd/avx512_half.h"

namespace recurra::RECURRA_TARGET_NAME {

struct Vec {
  static constexpr int width = 16;
  static constexpr int registers = 32;
  using Mask = __mmask16;
  using Half = HalfVec;

  __m512 v;

  Vec() = default;

  RECURRA_INLINE Vec(__m512 raw) : v(raw) {}

  RECURRA_INLINE explicit Vec(float x) : v(_mm512_set1_ps(x)) {}

  RECURRA_INLINE static Vec zero() { return _mm512_setzero_ps(); }

  RECURRA_INLINE static Mask first(int n) {
    return n >= width ? Mask(0xFFFF) : n <= 0 ? Mask(0) : Mask((1U << n) - 1U);
  }

  RECURRA_INLINE static Vec load(const float* p) { return _mm512_loadu_ps(p); }

  RECURRA_INLINE static Vec load(const float* p, Mask m) { return _mm512_maskz_loadu_ps(m, p); }

  /// The lower half.
  [[nodiscard]] RECURRA_INLINE Half half() const { return _mm512_castps512_ps256(v); }

  RECURRA_INLINE void store(float* p) const { _mm512_storeu_ps(p, v); }

  RECURRA_INLINE void store(float* p, Mask m) const { _mm512_mask_storeu_ps(p, m, v); }
};

RECURRA_INLINE Vec operator+(Vec a, Vec b) {
  return _mm512_add_ps(a.v, b.v);
}

RECURRA_INLINE Vec operator-(Vec a, Vec b) {
  return _mm512_sub_ps(a.v, b.v);
}

RECURRA_INLINE Vec operator*(Vec a, Vec b) {
  return _mm512_mul_ps(a.v, b.v);
}

RECURRA_INLINE Vec operator/(Vec a, Vec b) {
  return _mm512_div_ps(a.v, b.v);
}

RECURRA_INLINE Vec fma(Vec a, Vec b, Vec c) {
  return _mm512_fmadd_ps(a.v, b.v, c.v);
}

RECURRA_INLINE Vec min(Vec a, Vec b) {
  return _mm512_min_ps(a.v, b.v);
}

RECURRA_INLINE Vec max(Vec a, Vec b) {
  return _mm512_max_ps(a.v, b.v);
}

RECURRA_INLINE Vec abs(Vec a) {
  return _mm512_abs_ps(a.v);
}

/// a < b ? x : y, lane by lane; y where one of a and b is NaN.
RECURRA_INLINE Vec where_less(Vec a, Vec b, Vec x, Vec y) {
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ), y.v, x.v);
}

/// The nearest whole number.
RECURRA_INLINE Vec round(Vec a) {
  return _mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/// a * 2^n for whole n from -250 to 250.
RECURRA_INLINE Vec scale2(Vec a, Vec n) {
  return _mm512_scalef_ps(a.v, n.v);
}

}  // namespace recurra::RECURRA_TARGET_NAME
