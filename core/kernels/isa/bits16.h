#pragma once
// Sixteen flags as the bits of a number, and Philox draws for sixteen lanes at a time. Beside vec16.h and under the
// same rules; integers, so both instruction sets agree.

#include "core/kernels/isa/vec16.h"

namespace thimble::kernels::THIMBLE_ISA {

using Flags = unsigned short;  // bit = lane

/// Eight or four unsigned 32-bit numbers per register, each in the low half of 64 bits: what the multiplier takes.
#ifdef __AVX512F__

struct Halves {
  __m512i v;
};
inline Halves halves(unsigned x) {
  return {_mm512_set1_epi64(static_cast<long long>(x))};
}
/// first, first + 2, first + 4, ...
inline Halves every_second(unsigned first) {
  return {
      _mm512_add_epi64(_mm512_set1_epi64(static_cast<long long>(first)), _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14))};
}
inline Halves product(Halves a, Halves b) {
  return {_mm512_mul_epu32(a.v, b.v)};
}
inline Halves high_half(Halves a) {
  return {_mm512_srli_epi64(a.v, 32)};
}
inline Halves xor3(Halves a, Halves b, Halves c) {
  return {_mm512_ternarylogic_epi64(a.v, b.v, c.v, 0x96)};
}
/// Lanes whose 16 low (high) bits of the interleaved numbers are not below `limit`.
inline void not_below(Halves even, Halves odd, unsigned limit, Flags& low, Flags& high) {
  const __m512i all = _mm512_mask_blend_epi32(0xAAAA, even.v, _mm512_slli_epi64(odd.v, 32));
  const __m512i bound = _mm512_set1_epi32(static_cast<int>(limit));
  low = _mm512_cmpge_epi32_mask(_mm512_and_si512(all, _mm512_set1_epi32(0xFFFF)), bound);
  high = _mm512_cmpge_epi32_mask(_mm512_srli_epi32(all, 16), bound);
}
inline Flags positive(Vec a) {
  return _mm512_cmp_ps_mask(a.v, _mm512_setzero_ps(), _CMP_GT_OQ);
}
/// |a| <= bound.
inline Flags within(Vec a, Vec bound) {
  return _mm512_cmp_ps_mask(_mm512_abs_ps(a.v), bound.v, _CMP_LE_OQ);
}
/// Lane by lane x where the flag is set, else y.
inline Vec select(Flags flags, Vec x, Vec y) {
  return {_mm512_mask_blend_ps(flags, y.v, x.v)};
}

#else

struct Halves {
  __m256i lo, hi;
};
inline Halves halves(unsigned x) {
  const __m256i v = _mm256_set1_epi64x(static_cast<long long>(x));
  return {v, v};
}
inline Halves every_second(unsigned first) {
  const __m256i start = _mm256_set1_epi64x(static_cast<long long>(first));
  return {_mm256_add_epi64(start, _mm256_setr_epi64x(0, 2, 4, 6)),
          _mm256_add_epi64(start, _mm256_setr_epi64x(8, 10, 12, 14))};
}
inline Halves product(Halves a, Halves b) {
  return {_mm256_mul_epu32(a.lo, b.lo), _mm256_mul_epu32(a.hi, b.hi)};
}
inline Halves high_half(Halves a) {
  return {_mm256_srli_epi64(a.lo, 32), _mm256_srli_epi64(a.hi, 32)};
}
inline Halves xor3(Halves a, Halves b, Halves c) {
  return {_mm256_xor_si256(_mm256_xor_si256(a.lo, b.lo), c.lo), _mm256_xor_si256(_mm256_xor_si256(a.hi, b.hi), c.hi)};
}
inline unsigned not_below_eight(__m256i v, __m256i bound) {
  return static_cast<unsigned>(~_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(bound, v)))) & 0xFFu;
}
inline void not_below(Halves even, Halves odd, unsigned limit, Flags& low, Flags& high) {
  const __m256i bound = _mm256_set1_epi32(static_cast<int>(limit)), mask = _mm256_set1_epi32(0xFFFF);
  const __m256i a = _mm256_blend_epi32(even.lo, _mm256_slli_epi64(odd.lo, 32), 0xAA);
  const __m256i b = _mm256_blend_epi32(even.hi, _mm256_slli_epi64(odd.hi, 32), 0xAA);
  low = static_cast<Flags>(not_below_eight(_mm256_and_si256(a, mask), bound) |
                           not_below_eight(_mm256_and_si256(b, mask), bound) << 8);
  high = static_cast<Flags>(not_below_eight(_mm256_srli_epi32(a, 16), bound) |
                            not_below_eight(_mm256_srli_epi32(b, 16), bound) << 8);
}
inline Flags flags_of(__m256 lo, __m256 hi) {
  return static_cast<Flags>(_mm256_movemask_ps(lo) | _mm256_movemask_ps(hi) << 8);
}
inline Flags positive(Vec a) {
  const __m256 zero = _mm256_setzero_ps();
  return flags_of(_mm256_cmp_ps(a.lo, zero, _CMP_GT_OQ), _mm256_cmp_ps(a.hi, zero, _CMP_GT_OQ));
}
inline Flags within(Vec a, Vec bound) {
  const Vec m = abs(a);
  return flags_of(_mm256_cmp_ps(m.lo, bound.lo, _CMP_LE_OQ), _mm256_cmp_ps(m.hi, bound.hi, _CMP_LE_OQ));
}
inline __m256 spread_eight(int flags) {
  const __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  return _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(flags), bit), bit));
}
inline Vec select(Flags flags, Vec x, Vec y) {
  return {_mm256_blendv_ps(y.lo, x.lo, spread_eight(flags)), _mm256_blendv_ps(y.hi, x.hi, spread_eight(flags >> 8))};
}

#endif

/// Philox 4x32-10 of sixteen counters {c0, window + lane, step}: the draws of core/random/philox.h, sixteen windows at
/// a time.
struct LaneDraws {
  unsigned long key, step;
  unsigned window;

  /// The four words of counter c0, each as (even lanes, odd lanes). The numbers that all lanes share in the first
  /// rounds are computed once.
  void words(unsigned c0, Halves (&even)[4], Halves (&odd)[4]) const {
    constexpr unsigned long kM0 = 0xD2511F53u, kM1 = 0xCD9E8D57u;
    unsigned k0 = static_cast<unsigned>(key), k1 = static_cast<unsigned>(key >> 32);
    const auto next_key = [&] {
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    };
    // round 1: words 0, 2 and 3 of the counter are shared, word 1 is the window
    unsigned long p0 = kM0 * c0, p1 = kM1 * static_cast<unsigned>(step);
    const unsigned shared0 = static_cast<unsigned>(p1 >> 32) ^ k0, b1 = static_cast<unsigned>(p1);
    const unsigned b2 = static_cast<unsigned>(p0 >> 32) ^ static_cast<unsigned>(step >> 32) ^ k1;
    const unsigned b3 = static_cast<unsigned>(p0);
    next_key();
    const Halves zero = halves(0);
    const Halves w0 = xor3(every_second(window), halves(shared0), zero);
    const Halves w1 = xor3(every_second(window + 1), halves(shared0), zero);
    // round 2: word 0 differs by lane, words 1 to 3 are shared
    p1 = kM1 * b2;
    const unsigned c0_shared = static_cast<unsigned>(p1 >> 32) ^ b1 ^ k0, c1_shared = static_cast<unsigned>(p1);
    const Halves m0 = halves(static_cast<unsigned>(kM0)), m1 = halves(static_cast<unsigned>(kM1));
    even[3] = product(w0, m0);
    odd[3] = product(w1, m0);
    even[2] = xor3(high_half(even[3]), halves(b3), halves(k1));
    odd[2] = xor3(high_half(odd[3]), halves(b3), halves(k1));
    next_key();
    // round 3: words 0 and 1 are shared
    p0 = kM0 * c0_shared;
    const unsigned high0 = static_cast<unsigned>(p0 >> 32), low0 = static_cast<unsigned>(p0);
    even[1] = product(even[2], m1);
    odd[1] = product(odd[2], m1);
    even[0] = xor3(high_half(even[1]), halves(c1_shared), halves(k0));
    odd[0] = xor3(high_half(odd[1]), halves(c1_shared), halves(k0));
    even[2] = xor3(even[3], halves(high0), halves(k1));
    odd[2] = xor3(odd[3], halves(high0), halves(k1));
    even[3] = odd[3] = halves(low0);
    next_key();
    for (int round = 3; round < 10; ++round, next_key()) {
      const auto rounds = [&](Halves(&c)[4]) {
        const Halves first = product(c[0], m0), second = product(c[2], m1);
        c[0] = xor3(high_half(second), c[1], halves(k0));
        c[2] = xor3(high_half(first), c[3], halves(k1));
        c[1] = second;
        c[3] = first;
      };
      rounds(even);
      rounds(odd);
    }
  }
};

}  // namespace thimble::kernels::THIMBLE_ISA
