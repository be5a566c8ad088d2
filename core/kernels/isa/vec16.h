#pragma once
// Sixteen floats as one value: one zmm register with AVX-512, two ymm registers with AVX2. The kernels of this folder
// are written once on this type and compiled once per instruction set, in a namespace of its own. Both sets fuse the
// same multiply-adds and reduce in the same order, so they give the same bits.
//
// Nothing here may include a standard header with inline functions: the linker keeps one copy of such a function, and
// it could be the one compiled for AVX-512.

#include <immintrin.h>

#ifdef __AVX512F__
#define THIMBLE_ISA avx512
#else
#define THIMBLE_ISA avx2
#endif

namespace thimble::kernels::THIMBLE_ISA {

#ifdef __AVX512F__

struct Vec {
  __m512 v;
};
inline Vec load(const float* p) {
  return {_mm512_loadu_ps(p)};
}
inline void store(float* p, Vec a) {
  _mm512_storeu_ps(p, a.v);
}
/// The first `count` (1..16) floats at p, the other lanes zero; reads nothing beyond.
inline Vec load_first(const float* p, long count) {
  return {_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1u), p)};
}
inline void store_first(float* p, Vec a, long count) {
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << count) - 1u), a.v);
}
inline Vec set1(float x) {
  return {_mm512_set1_ps(x)};
}
inline Vec operator+(Vec a, Vec b) {
  return {_mm512_add_ps(a.v, b.v)};
}
inline Vec operator-(Vec a, Vec b) {
  return {_mm512_sub_ps(a.v, b.v)};
}
inline Vec operator*(Vec a, Vec b) {
  return {_mm512_mul_ps(a.v, b.v)};
}
inline Vec operator/(Vec a, Vec b) {
  return {_mm512_div_ps(a.v, b.v)};
}
/// a * b + c, rounded once.
inline Vec fma(Vec a, Vec b, Vec c) {
  return {_mm512_fmadd_ps(a.v, b.v, c.v)};
}
/// c - a * b, rounded once.
inline Vec fnma(Vec a, Vec b, Vec c) {
  return {_mm512_fnmadd_ps(a.v, b.v, c.v)};
}
// The second operand comes back when one of them is NaN (the rule of the instruction): give the data second.
inline Vec min(Vec bound, Vec x) {
  return {_mm512_min_ps(bound.v, x.v)};
}
inline Vec max(Vec bound, Vec x) {
  return {_mm512_max_ps(bound.v, x.v)};
}
inline Vec sqrt(Vec a) {
  return {_mm512_sqrt_ps(a.v)};
}
inline Vec abs(Vec a) {
  return {_mm512_abs_ps(a.v)};
}
/// a > 0 ? x : y, lane by lane; y where a is NaN.
inline Vec where_positive(Vec a, Vec x, Vec y) {
  return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(a.v, _mm512_setzero_ps(), _CMP_GT_OQ), y.v, x.v)};
}
/// a < b ? x : y.
inline Vec where_less(Vec a, Vec b, Vec x, Vec y) {
  return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ), y.v, x.v)};
}
inline Vec round_even(Vec a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
/// 2^n for integral n in [-126, 127].
inline Vec pow2(Vec n) {
  return {
      _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(_mm512_cvtps_epi32(n.v), _mm512_set1_epi32(127)), 23))};
}
inline constexpr int kOutBlock = 6;  // outputs times groups are the accumulators of a product: 24 of 32 registers
inline constexpr int kGroupBlock = 4;

#else

struct Vec {
  __m256 lo, hi;
};
inline Vec load(const float* p) {
  return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}
inline void store(float* p, Vec a) {
  _mm256_storeu_ps(p, a.lo);
  _mm256_storeu_ps(p + 8, a.hi);
}
inline __m256i first_mask(long count) {  // lanes below count, of eight
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
inline Vec load_first(const float* p, long count) {
  return {_mm256_maskload_ps(p, first_mask(count)), _mm256_maskload_ps(p + 8, first_mask(count - 8))};
}
inline void store_first(float* p, Vec a, long count) {
  _mm256_maskstore_ps(p, first_mask(count), a.lo);
  _mm256_maskstore_ps(p + 8, first_mask(count - 8), a.hi);
}
inline Vec set1(float x) {
  const __m256 v = _mm256_set1_ps(x);
  return {v, v};
}
inline Vec operator+(Vec a, Vec b) {
  return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)};
}
inline Vec operator-(Vec a, Vec b) {
  return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)};
}
inline Vec operator*(Vec a, Vec b) {
  return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)};
}
inline Vec operator/(Vec a, Vec b) {
  return {_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)};
}
inline Vec fma(Vec a, Vec b, Vec c) {
  return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
}
inline Vec fnma(Vec a, Vec b, Vec c) {
  return {_mm256_fnmadd_ps(a.lo, b.lo, c.lo), _mm256_fnmadd_ps(a.hi, b.hi, c.hi)};
}
inline Vec min(Vec bound, Vec x) {
  return {_mm256_min_ps(bound.lo, x.lo), _mm256_min_ps(bound.hi, x.hi)};
}
inline Vec max(Vec bound, Vec x) {
  return {_mm256_max_ps(bound.lo, x.lo), _mm256_max_ps(bound.hi, x.hi)};
}
inline Vec sqrt(Vec a) {
  return {_mm256_sqrt_ps(a.lo), _mm256_sqrt_ps(a.hi)};
}
inline Vec abs(Vec a) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  return {_mm256_andnot_ps(sign, a.lo), _mm256_andnot_ps(sign, a.hi)};
}
inline Vec where_positive(Vec a, Vec x, Vec y) {
  const __m256 zero = _mm256_setzero_ps();
  return {_mm256_blendv_ps(y.lo, x.lo, _mm256_cmp_ps(a.lo, zero, _CMP_GT_OQ)),
          _mm256_blendv_ps(y.hi, x.hi, _mm256_cmp_ps(a.hi, zero, _CMP_GT_OQ))};
}
inline Vec where_less(Vec a, Vec b, Vec x, Vec y) {
  return {_mm256_blendv_ps(y.lo, x.lo, _mm256_cmp_ps(a.lo, b.lo, _CMP_LT_OQ)),
          _mm256_blendv_ps(y.hi, x.hi, _mm256_cmp_ps(a.hi, b.hi, _CMP_LT_OQ))};
}
inline Vec round_even(Vec a) {
  return {_mm256_round_ps(a.lo, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC),
          _mm256_round_ps(a.hi, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
inline Vec pow2(Vec n) {
  const auto half = [](__m256 x) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(x), _mm256_set1_epi32(127)), 23));
  };
  return {half(n.lo), half(n.hi)};
}
inline constexpr int kOutBlock = 6;  // 12 of 16 registers
inline constexpr int kGroupBlock = 1;

#endif

inline Vec zero() {
  return set1(0.0f);
}

/// Sixteen sums: lane k of the result is the sum of the lanes of a[k]. The order of additions is the same for all k and
/// for both instruction sets: neighbours in distance 8, 4, 2, 1.
inline Vec lane_sums(const Vec* a);

#ifdef __AVX512F__

inline Vec lane_sums(const Vec* a) {
  __m512 half[8], quarter[4];
  for (int k = 0; k < 8; ++k) {  // distance 8: low halves of a[k] and a[k+8] beside each other
    const __m512 low = _mm512_shuffle_f32x4(a[k].v, a[k + 8].v, 0x44);
    const __m512 high = _mm512_shuffle_f32x4(a[k].v, a[k + 8].v, 0xEE);
    half[k] = _mm512_add_ps(low, high);  // [a_k: 8 lanes | a_{k+8}: 8 lanes]
  }
  for (int k = 0; k < 4; ++k) {  // distance 4
    const __m512 low = _mm512_shuffle_f32x4(half[k], half[k + 4], 0x88);
    const __m512 high = _mm512_shuffle_f32x4(half[k], half[k + 4], 0xDD);
    quarter[k] = _mm512_add_ps(low, high);  // quads: k, k+8, k+4, k+12
  }
  __m512 eighth[2];
  for (int k = 0; k < 2; ++k) {  // distance 2
    const __m512 low = _mm512_shuffle_ps(quarter[k], quarter[k + 2], 0x44);
    const __m512 high = _mm512_shuffle_ps(quarter[k], quarter[k + 2], 0xEE);
    eighth[k] = _mm512_add_ps(low, high);  // per quad: k k k+2 k+2
  }
  const __m512 even = _mm512_shuffle_ps(eighth[0], eighth[1], 0x88);
  const __m512 odd = _mm512_shuffle_ps(eighth[0], eighth[1], 0xDD);
  const __m512 sums = _mm512_add_ps(even, odd);  // per quad q of (0, 8, 4, 12): q+0 q+2 q+1 q+3
  const __m512i order = _mm512_setr_epi32(0, 2, 1, 3, 8, 10, 9, 11, 4, 6, 5, 7, 12, 14, 13, 15);
  return {_mm512_permutexvar_ps(order, sums)};
}

#else

inline Vec lane_sums(const Vec* a) {
  __m256 half[16];
  for (int k = 0; k < 16; ++k) half[k] = _mm256_add_ps(a[k].lo, a[k].hi);  // distance 8
  const auto eight = [](const __m256* h) {                                 // sums of 8 vectors of 8 lanes, in order
    __m256 quarter[4];
    for (int k = 0; k < 4; ++k)  // distance 4
      quarter[k] =
          _mm256_add_ps(_mm256_permute2f128_ps(h[k], h[k + 4], 0x20), _mm256_permute2f128_ps(h[k], h[k + 4], 0x31));
    __m256 eighth[2];
    for (int k = 0; k < 2; ++k)  // distance 2
      eighth[k] = _mm256_add_ps(_mm256_shuffle_ps(quarter[k], quarter[k + 2], 0x44),
                                _mm256_shuffle_ps(quarter[k], quarter[k + 2], 0xEE));
    const __m256 sums =
        _mm256_add_ps(_mm256_shuffle_ps(eighth[0], eighth[1], 0x88), _mm256_shuffle_ps(eighth[0], eighth[1], 0xDD));
    return _mm256_permutevar8x32_ps(sums, _mm256_setr_epi32(0, 2, 1, 3, 4, 6, 5, 7));
  };
  return {eight(half), eight(half + 8)};
}

#endif

/// Sum of the sixteen lanes, in the order of lane_sums.
inline float lane_sum(Vec a) {
  alignas(64) float x[16];
  store(x, a);
  for (int distance = 8; distance >= 1; distance /= 2)
    for (int k = 0; k < distance; ++k) x[k] += x[k + distance];
  return x[0];
}

/// tanh as an odd rational of degree 13/6, clipped where it reaches 1 in float. |error| <= 2.9e-7, NaN stays NaN.
inline Vec tanh(Vec x) {
  const Vec limit = set1(7.90531110763549805f);
  x = min(limit, max(zero() - limit, x));
  const Vec z = x * x;
  Vec p = fma(z, set1(-2.76076847742355e-16f), set1(2.00018790482477e-13f));
  p = fma(z, p, set1(-8.60467152213735e-11f));
  p = fma(z, p, set1(5.12229709037114e-08f));
  p = fma(z, p, set1(1.48572235717979e-05f));
  p = fma(z, p, set1(6.37261928875436e-04f));
  p = fma(z, p, set1(4.89352455891786e-03f));
  Vec q = fma(z, set1(1.19825839466702e-06f), set1(1.18534705686654e-04f));
  q = fma(z, q, set1(2.26843463243900e-03f));
  q = fma(z, q, set1(4.89352518554385e-03f));
  return x * p / q;
}

/// exp by 2^n scaling and a polynomial of degree 6 (Cephes); clipped to the range of normal floats.
inline Vec exp(Vec x) {
  x = min(set1(88.0f), max(set1(-87.0f), x));
  const Vec n = round_even(x * set1(1.44269504088896341f));
  const Vec r = fnma(n, set1(-2.12194440e-4f), fnma(n, set1(0.693359375f), x));
  Vec p = fma(r, set1(1.9875691500e-4f), set1(1.3981999507e-3f));
  p = fma(p, r, set1(8.3334519073e-3f));
  p = fma(p, r, set1(4.1665795894e-2f));
  p = fma(p, r, set1(1.6666665459e-1f));
  p = fma(p, r, set1(5.0000001201e-1f));
  p = fma(p, r * r, r + set1(1.0f));
  return p * pow2(n);
}

}  // namespace thimble::kernels::THIMBLE_ISA
