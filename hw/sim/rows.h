#pragma once
// Loops over rows of stored integers, one operator each; T is int32_t or int64_t, proven wide enough by the caller.

#include "core/fixed/type.h"

#include <cstddef>
#include <type_traits>

namespace thimble::hw {

template <class T, class F>
void map_row(const T* x, T* y, std::size_t n, const F& f) {
#pragma omp simd
  for (std::size_t i = 0; i < n; ++i) y[i] = f(x[i]);
}

/// y = round(x * 2^-k), k >= 1, in the add-then-shift form of core/fixed.
template <class T>
void round_row(const T* x, T* y, std::size_t n, int k, fixed::Round mode) {
  const T half = static_cast<T>(T{1} << (k - 1)), below = static_cast<T>(half - 1);
  const T all = static_cast<T>((half - 1) * 2 + 1);
  using fixed::Round;
  switch (mode) {
    case Round::trn:
      return map_row(x, y, n, [=](T v) { return static_cast<T>(v >> k); });
    case Round::trn_zero:
      return map_row(x, y, n, [=](T v) { return static_cast<T>((v + (v < 0 ? all : T{0})) >> k); });
    case Round::rnd:
      return map_row(x, y, n, [=](T v) { return static_cast<T>((v + half) >> k); });
    case Round::rnd_min_inf:
      return map_row(x, y, n, [=](T v) { return static_cast<T>((v + below) >> k); });
    case Round::rnd_zero:
      return map_row(x, y, n, [=](T v) { return static_cast<T>((v + (v < 0 ? half : below)) >> k); });
    case Round::rnd_inf:
      return map_row(x, y, n, [=](T v) { return static_cast<T>((v + (v < 0 ? below : half)) >> k); });
    case Round::rnd_conv:
      return map_row(x, y, n, [=](T v) { return static_cast<T>((v + below + ((v >> k) & 1)) >> k); });
  }
}

/// y = overflow(y) for a type whose range fits T.
template <class T>
void limit_row(T* y, std::size_t n, const fixed::FxType& type, fixed::Overflow mode) {
  using fixed::Overflow;
  using U = std::make_unsigned_t<T>;
  const T hi = static_cast<T>(type.hi());
  const T lo = static_cast<T>(mode == Overflow::sat_sym && type.s ? -type.hi() : type.lo());
  switch (mode) {
    case Overflow::sat:
    case Overflow::sat_sym:
      return map_row(y, y, n, [=](T v) { return v > hi ? hi : v < lo ? lo : v; });
    case Overflow::sat_zero:
      return map_row(y, y, n, [=](T v) { return v > hi || v < lo ? T{0} : v; });
    case Overflow::wrap_mag:
      return map_row(y, y, n, [=](T v) { return static_cast<T>(v < 0 ? -(-v & hi) : v & hi); });
    case Overflow::wrap:
      break;
  }
  if (!type.s) return map_row(y, y, n, [=](T v) { return static_cast<T>(v & hi); });
  const int spare = static_cast<int>(sizeof(T)) * 8 - type.w;
  map_row(y, y, n, [=](T v) { return static_cast<T>(static_cast<T>(static_cast<U>(v) << spare) >> spare); });
}

}  // namespace thimble::hw
