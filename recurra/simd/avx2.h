/// The vector class of AVX2 with FMA: 8 floats, 16 registers, masks as vectors of sign bits.
#pragma once

#include <immintrin.h>

#include "recurra/base/platform.h"

namespace recurra::RECURRA_TARGET_NAME {

struct Vec {
  static constexpr int width = 8;
  static constexpr int registers = 16;
  using Mask = __m256i;

  __m256 v;

  Vec() = default;

  RECURRA_INLINE Vec(__m256 raw) : v(raw) {}

  RECURRA_INLINE explicit Vec(float x) : v(_mm256_set1_ps(x)) {}

  RECURRA_INLINE static Vec zero() { return _mm256_setzero_ps(); }

  RECURRA_INLINE static Mask first(int n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }

  RECURRA_INLINE static Vec load(const float* p) { return _mm256_loadu_ps(p); }

  RECURRA_INLINE static Vec load(const float* p, Mask m) { return _mm256_maskload_ps(p, m); }

  RECURRA_INLINE void store(float* p) const { _mm256_storeu_ps(p, v); }

  RECURRA_INLINE void store(float* p, Mask m) const { _mm256_maskstore_ps(p, m, v); }
};

RECURRA_INLINE Vec operator+(Vec a, Vec b) {
  return _mm256_add_ps(a.v, b.v);
}

RECURRA_INLINE Vec operator-(Vec a, Vec b) {
  return _mm256_sub_ps(a.v, b.v);
}

RECURRA_INLINE Vec operator*(Vec a, Vec b) {
  return _mm256_mul_ps(a.v, b.v);
}

RECURRA_INLINE Vec operator/(Vec a, Vec b) {
  return _mm256_div_ps(a.v, b.v);
}

RECURRA_INLINE Vec fma(Vec a, Vec b, Vec c) {
  return _mm256_fmadd_ps(a.v, b.v, c.v);
}

RECURRA_INLINE Vec min(Vec a, Vec b) {
  return _mm256_min_ps(a.v, b.v);
}

RECURRA_INLINE Vec max(Vec a, Vec b) {
  return _mm256_max_ps(a.v, b.v);
}

RECURRA_INLINE Vec abs(Vec a) {
  return _mm256_andnot_ps(_mm256_set1_ps(-0.0F), a.v);
}

/// a < b ? x : y, lane by lane; y where one of a and b is NaN.
RECURRA_INLINE Vec where_less(Vec a, Vec b, Vec x, Vec y) {
  return _mm256_blendv_ps(y.v, x.v, _mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ));
}

/// The nearest whole number.
RECURRA_INLINE Vec round(Vec a) {
  return _mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/// a * 2^n for whole n from -250 to 250, in two steps as one exponent holds but half of that.
RECURRA_INLINE Vec scale2(Vec a, Vec n) {
  const __m256i whole = _mm256_cvtps_epi32(n.v);
  const __m256i half = _mm256_srai_epi32(whole, 1);
  const auto power = [](__m256i e) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(e, _mm256_set1_epi32(127)), 23));
  };
  return _mm256_mul_ps(_mm256_mul_ps(a.v, power(half)), power(_mm256_sub_epi32(whole, half)));
}

}  // namespace recurra::RECURRA_TARGET_NAME
