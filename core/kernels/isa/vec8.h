#pragma once
// Eight doubles as one value: one zmm register with AVX-512, two ymm registers with AVX2. The rules of vec16.h hold.

#include "core/kernels/isa/vec16.h"

namespace thimble::kernels::THIMBLE_ISA {

#ifdef __AVX512F__

struct Vec8 {
  __m512d v;
};
inline Vec8 load(const double* p) {
  return {_mm512_loadu_pd(p)};
}
inline void store(double* p, Vec8 a) {
  _mm512_storeu_pd(p, a.v);
}
/// The first `count` (0..8) doubles at p, the other lanes zero.
inline Vec8 load_first(const double* p, long count) {
  return {_mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << count) - 1u), p)};
}
inline void store_first(double* p, Vec8 a, long count) {
  _mm512_mask_storeu_pd(p, static_cast<__mmask8>((1u << count) - 1u), a.v);
}
inline Vec8 set1(double x) {
  return {_mm512_set1_pd(x)};
}
inline Vec8 operator+(Vec8 a, Vec8 b) {
  return {_mm512_add_pd(a.v, b.v)};
}
inline Vec8 operator-(Vec8 a, Vec8 b) {
  return {_mm512_sub_pd(a.v, b.v)};
}
inline Vec8 fma(Vec8 a, Vec8 b, Vec8 c) {
  return {_mm512_fmadd_pd(a.v, b.v, c.v)};
}
inline Vec8 low_half(Vec a) {
  return {_mm512_cvtps_pd(_mm512_castps512_ps256(a.v))};
}
inline Vec8 high_half(Vec a) {
  return {_mm512_cvtps_pd(_mm512_castps512_ps256(_mm512_shuffle_f32x4(a.v, a.v, 0xEE)))};
}
inline constexpr int kGramRows = 8;  // times three vectors: 24 accumulators of 32 registers

#else

struct Vec8 {
  __m256d lo, hi;
};
inline Vec8 load(const double* p) {
  return {_mm256_loadu_pd(p), _mm256_loadu_pd(p + 4)};
}
inline void store(double* p, Vec8 a) {
  _mm256_storeu_pd(p, a.lo);
  _mm256_storeu_pd(p + 4, a.hi);
}
inline __m256i first_mask_of_four(long count) {
  return _mm256_cmpgt_epi64(_mm256_set1_epi64x(count), _mm256_setr_epi64x(0, 1, 2, 3));
}
inline Vec8 load_first(const double* p, long count) {
  return {_mm256_maskload_pd(p, first_mask_of_four(count)), _mm256_maskload_pd(p + 4, first_mask_of_four(count - 4))};
}
inline void store_first(double* p, Vec8 a, long count) {
  _mm256_maskstore_pd(p, first_mask_of_four(count), a.lo);
  _mm256_maskstore_pd(p + 4, first_mask_of_four(count - 4), a.hi);
}
inline Vec8 set1(double x) {
  const __m256d v = _mm256_set1_pd(x);
  return {v, v};
}
inline Vec8 operator+(Vec8 a, Vec8 b) {
  return {_mm256_add_pd(a.lo, b.lo), _mm256_add_pd(a.hi, b.hi)};
}
inline Vec8 operator-(Vec8 a, Vec8 b) {
  return {_mm256_sub_pd(a.lo, b.lo), _mm256_sub_pd(a.hi, b.hi)};
}
inline Vec8 fma(Vec8 a, Vec8 b, Vec8 c) {
  return {_mm256_fmadd_pd(a.lo, b.lo, c.lo), _mm256_fmadd_pd(a.hi, b.hi, c.hi)};
}
inline Vec8 low_half(Vec a) {
  return {_mm256_cvtps_pd(_mm256_castps256_ps128(a.lo)), _mm256_cvtps_pd(_mm256_extractf128_ps(a.lo, 1))};
}
inline Vec8 high_half(Vec a) {
  return {_mm256_cvtps_pd(_mm256_castps256_ps128(a.hi)), _mm256_cvtps_pd(_mm256_extractf128_ps(a.hi, 1))};
}
inline constexpr int kGramRows = 2;  // times three vectors of two registers: 12 of 16

#endif

}  // namespace thimble::kernels::THIMBLE_ISA
