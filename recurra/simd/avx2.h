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

}  // namespace recurra::RECURRA_TARGET_NAME
