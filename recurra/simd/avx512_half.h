/// Half a vector of AVX-512, in the lower half of its registers: 8 floats with masks of their own. For the
/// last units of a row, where a whole vector would be half empty.
#pragma once

#include <immintrin.h>

#include "recurra/base/platform.h"

namespace recurra::RECURRA_TARGET_NAME {

struct HalfVec {
  static constexpr int width = 8;
  static constexpr int registers = 32;
  using Mask = __mmask8;

  __m256 v;

  HalfVec() = default;

  RECURRA_INLINE HalfVec(__m256 raw) : v(raw) {}

  RECURRA_INLINE explicit HalfVec(float x) : v(_mm256_set1_ps(x)) {}

  RECURRA_INLINE static HalfVec zero() { return _mm256_setzero_ps(); }

  RECURRA_INLINE static Mask first(int n) {
    return n >= width ? Mask(0xFF) : n <= 0 ? Mask(0) : Mask((1U << n) - 1U);
  }

  RECURRA_INLINE static HalfVec load(const float* p) { return _mm256_loadu_ps(p); }

  RECURRA_INLINE static HalfVec load(const float* p, Mask m) { return _mm256_maskz_loadu_ps(m, p); }

  RECURRA_INLINE void store(float* p) const { _mm256_storeu_ps(p, v); }

  RECURRA_INLINE void store(float* p, Mask m) const { _mm256_mask_storeu_ps(p, m, v); }
};

RECURRA_INLINE HalfVec operator+(HalfVec a, HalfVec b) {
  return _mm256_add_ps(a.v, b.v);
}

RECURRA_INLINE HalfVec operator-(HalfVec a, HalfVec b) {
  return _mm256_sub_ps(a.v, b.v);
}

RECURRA_INLINE HalfVec operator*(HalfVec a, HalfVec b) {
  return _mm256_mul_ps(a.v, b.v);
}

RECURRA_INLINE HalfVec operator/(HalfVec a, HalfVec b) {
  return _mm256_div_ps(a.v, b.v);
}

RECURRA_INLINE HalfVec fma(HalfVec a, HalfVec b, HalfVec c) {
  return _mm256_fmadd_ps(a.v, b.v, c.v);
}

RECURRA_INLINE HalfVec min(HalfVec a, HalfVec b) {
  return _mm256_min_ps(a.v, b.v);
}

RECURRA_INLINE HalfVec max(HalfVec a, HalfVec b) {
  return _mm256_max_ps(a.v, b.v);
}

RECURRA_INLINE HalfVec abs(HalfVec a) {
  return _mm256_andnot_ps(_mm256_set1_ps(-0.0F), a.v);
}

/// As Vec's.
RECURRA_INLINE HalfVec where_less(HalfVec a, HalfVec b, HalfVec x, HalfVec y) {
  return _mm256_mask_blend_ps(_mm256_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ), y.v, x.v);
}

RECURRA_INLINE HalfVec round(HalfVec a) {
  return _mm256_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

RECURRA_INLINE HalfVec scale2(HalfVec a, HalfVec n) {
  return _mm256_scalef_ps(a.v, n.v);
}

}  // namespace recurra::RECURRA_TARGET_NAME
