#include "core/kernels/integer_wavelet.h"

#include "core/base/error.h"
#include "core/fixed/convert.h"
#include "core/parallel/blocks.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>

namespace thimble::kernels {
namespace {

using fixed::Wide;

/// Largest folded sum of any level in its own steps, and the largest pooled one.
struct Bounds {
  Wide folded = 0, pooled = 0;
};

Bounds bounds_of(const QuantisedChain& q, std::int64_t samples) {
  Bounds bounds;
  const std::vector<std::int64_t> lengths = q.chain.lengths(samples);
  for (std::size_t k = 0; k < q.filters.size(); ++k) {
    Wide sum = 0;
    for (const std::int32_t w : q.filters[k]) sum += std::abs(std::int64_t{w});
    const Wide folded = sum * q.activations.hi() * (Wide{1} << q.chain.levels[k / 2].relu_power);
    bounds.folded = std::max(bounds.folded, folded);
    bounds.pooled = std::max(bounds.pooled, folded * lengths[k / 2]);
  }
  return bounds;
}

/// numerator / denominator, halves to even; denominator > 0.
Wide divided(Wide numerator, Wide denominator) {
  const Wide magnitude = numerator < 0 ? -numerator : numerator;
  Wide quotient = magnitude / denominator;
  const Wide twice = 2 * (magnitude % denominator);
  if (twice > denominator || (twice == denominator && quotient % 2 != 0)) ++quotient;
  return numerator < 0 ? -quotient : quotient;
}

/// One window after another in 64-bit integers, with notes for the trace.
class ExactWavelet {
 public:
  ExactWavelet(const QuantisedChain& q, std::int64_t samples, std::int64_t windows, WaveletTrace& trace)
      : q_(q), lengths_(q.chain.lengths(samples)), trace_(trace) {
    const std::size_t levels = lengths_.size();
    trace_ = {};
    trace_.pass.resize(levels);
    trace_.folded.resize(levels + 1);
    trace_.pooled.resize(levels + 1);
    for (std::size_t l = 0; l <= levels; ++l) {
      const auto length = static_cast<std::size_t>(lengths_[std::min(l, levels - 1)] * windows);
      trace_.folded[l].reserve(length);
      if (l < levels) trace_.pass[l].reserve(length);
    }
  }

  void window(std::vector<std::int64_t> x, std::int32_t* features) {
    for (std::size_t l = 0; l < lengths_.size(); ++l) {
      const std::vector<std::int64_t> feature_sums = sums(l, x, q_.filters[2 * l]);
      features = pool(l, feature_sums, q_.chain.levels[l].features, features);
      x = sums(l, x, q_.filters[2 * l + 1]);
      if (l + 1 == lengths_.size()) pool(l + 1, x, 1, features);
      for (std::int64_t& v : x) {
        v = rounded(v, q_.sum_bits());
        trace_.pass[l].push_back(static_cast<std::int32_t>(v));
      }
    }
  }

 private:
  std::int64_t rounded(std::int64_t v, int bits) const {
    return fixed::convert(v, bits, q_.activations, fixed::Round::rnd_conv, fixed::Overflow::sat_sym);
  }
  std::vector<std::int64_t> sums(std::size_t l, const std::vector<std::int64_t>& x,
                                 const std::vector<std::int32_t>& filter) const {
    const WaveletLevel& level = q_.chain.levels[l];
    const auto length = static_cast<std::int64_t>(x.size()),
               before = std::int64_t{std::max(level.taps - level.stride, 0)};
    std::vector<std::int64_t> y(static_cast<std::size_t>(lengths_[l]), 0);
    for (std::size_t i = 0; i < y.size(); ++i)
      for (std::int64_t k = 0; k < level.taps; ++k) {
        const std::int64_t at = static_cast<std::int64_t>(i) * level.stride + k - before;
        if (at >= 0 && at < length) y[i] += filter[static_cast<std::size_t>(k)] * x[static_cast<std::size_t>(at)];
      }
    return y;
  }
  /// Writes `bins` features behind each other; returns where the next one goes.
  std::int32_t* pool(std::size_t at, const std::vector<std::int64_t>& y, int bins, std::int32_t* features) {
    const int power = q_.chain.levels[std::min(at, lengths_.size() - 1)].relu_power;
    const auto n = static_cast<std::int64_t>(y.size());
    std::vector<std::int64_t> folded;
    for (const std::int64_t v : y) folded.push_back(v >= 0 ? v * (std::int64_t{1} << power) : -v);
    trace_.folded[at].insert(trace_.folded[at].end(), folded.begin(), folded.end());
    for (int bin = 0; bin < bins; ++bin) {
      const std::int64_t first = bin * n / bins, end = ((bin + 1) * n + bins - 1) / bins;
      std::int64_t sum = 0;
      for (std::int64_t i = first; i < end; ++i) sum += folded[static_cast<std::size_t>(i)];
      trace_.pooled[at].push_back(sum);
      *features++ = feature(sum, end - first, q_.pool_bits(at));
    }
    return features;
  }
  std::int32_t feature(std::int64_t sum, std::int64_t length, int bits) const {
    const int shift = bits - q_.activations.f;
    const Wide divisor = Wide{wavelet_divisor(q_.chain.pool, length)};
    const Wide rounded_sum = shift >= 0 ? divided(sum, divisor << shift) : divided(Wide{sum} << -shift, divisor);
    return static_cast<std::int32_t>(fixed::overflow(rounded_sum, q_.activations, fixed::Overflow::sat_sym));
  }

  const QuantisedChain& q_;
  std::vector<std::int64_t> lengths_;
  WaveletTrace& trace_;
};

/// The chain of floats on its grid computes the same integers (see WaveletGrid).
template <class T>
Tensor through_floats(const QuantisedChain& q, const Tensor& x) {
  const auto values = [](const auto* from, std::int64_t n, double step, T* to) {
    for (std::int64_t i = 0; i < n; ++i) to[i] = static_cast<T>(static_cast<double>(from[i]) * step);
  };
  std::vector<Tensor> filters;
  for (const auto& filter : q.filters) {
    filters.push_back(Tensor::empty({static_cast<std::int64_t>(filter.size())}, dtype_of<T>()));
    values(filter.data(), filters.back().numel(), q.weights.step(), filters.back().template mut<T>());
  }
  Tensor in = x;
  if (x.dtype() != dtype_of<T>()) {
    in = Tensor::empty(x.shape(), dtype_of<T>());
    const Tensor integers = x.dtype() == DType::i32 ? x : quantise_input(x, q.activations);
    values(integers.data<std::int32_t>(), x.numel(), q.activations.step(), in.mut<T>());
  }
  const Shape shape{x.numel() / x.size(-1), q.chain.features()};
  const Tensor out = Tensor::empty(shape, dtype_of<T>()), result = Tensor::empty(shape, DType::i32);
  wavelet_features(
      q.chain, in, filters, out, {},
      {.on = true, .round_input = in.raw() == x.raw(), .weights = q.weights, .activations = q.activations});
  const double scale = std::ldexp(1.0, q.activations.f);
  for (std::int64_t i = 0; i < out.numel(); ++i)
    result.mut<std::int32_t>()[i] = static_cast<std::int32_t>(static_cast<double>(out.data<T>()[i]) * scale);
  return result;
}

void check_type(const fixed::FxType& type, const char* what) {
  fixed::check(type, what);
  THIMBLE_CHECK(type.s && type.w >= 2 && type.w <= 31 && type.f >= 0 && type.f <= 60, value,
                "quantised wavelet chain: ", what, " are ", type.str(),
                ", wanted a signed type of 2 to 31 bits and a fraction of 0 to 60");
}

/// A loop over exponents that the compiler turns into vectors: this runs before every float lane.
bool finite_floats(const Tensor& x) {
  constexpr std::uint32_t kInfinite = 0x7F800000u;
  const float* values = x.data<float>();
  const std::int64_t n = x.numel();
  std::uint32_t largest = 0;
  for (std::int64_t i = 0; i < n; ++i) largest = std::max(largest, std::bit_cast<std::uint32_t>(values[i]) & kInfinite);
  return largest < kInfinite;
}

void check_input(const QuantisedChain& q, const Tensor& x) {
  THIMBLE_CHECK(x.rank() >= 1 && x.size(-1) >= 1 && x.layout() == Layout::rows, shape, "quantised features: x ",
                x.shape(), " must be windows [..., T] in rows");
  q.check(x.size(-1));
  if (x.dtype() != DType::i32) {
    THIMBLE_CHECK(x.dtype() == DType::f32 ? finite_floats(x) : all_finite(x), value,
                  "quantised features: the input is not finite everywhere");
    return;
  }
  const std::int64_t hi = q.activations.hi();
  for (const std::int32_t v : std::span(x.data<std::int32_t>(), static_cast<std::size_t>(x.numel())))
    THIMBLE_CHECK(std::abs(std::int64_t{v}) <= hi, value, "quantised features: the input ", v, " is outside +-", hi);
}

}  // namespace

int QuantisedChain::pool_bits(std::size_t level) const {
  return sum_bits() + chain.levels[std::min(level, chain.levels.size() - 1)].relu_power;
}

void QuantisedChain::check(std::int64_t samples) const {
  chain.check();
  check_type(weights, "weights");
  check_type(activations, "activations");
  THIMBLE_CHECK(filters.size() == 2 * chain.levels.size(), value, "quantised wavelet chain: ", filters.size(),
                " filters for ", chain.levels.size(), " levels");
  for (std::size_t k = 0; k < filters.size(); ++k) {
    THIMBLE_CHECK(filters[k].size() == static_cast<std::size_t>(chain.levels[k / 2].taps), value,
                  "quantised wavelet chain: a filter of level ", k / 2, " has ", filters[k].size(), " taps, wanted ",
                  chain.levels[k / 2].taps);
    for (const std::int32_t w : filters[k])
      THIMBLE_CHECK(weights.contains(w), value, "quantised wavelet chain: the weight ", w, " of level ", k / 2,
                    " does not fit into ", weights.str());
  }
  THIMBLE_CHECK(bounds_of(*this, samples).pooled < Wide{1} << 62, value, "quantised wavelet chain: pooled sums of ",
                weights.str(), " times ", activations.str(), " over ", samples, " samples may need more than 62 bits");
}

QuantisedChain quantise_chain(const WaveletChain& chain, std::span<const Tensor> filters, const fixed::FxType& weights,
                              const fixed::FxType& activations) {
  check_type(weights, "weights");
  check_type(activations, "activations");
  QuantisedChain q{chain, weights, activations, {}};
  for (const Tensor& filter : filters) {
    q.filters.emplace_back();
    for (const double v : filter.to_vector())
      q.filters.back().push_back(
          static_cast<std::int32_t>(fixed::convert(v, weights, fixed::Round::rnd_conv, fixed::Overflow::sat)));
  }
  q.check(1);
  return q;
}

Tensor quantise_input(const Tensor& x, const fixed::FxType& activations) {
  check_type(activations, "activations");
  const Tensor out = Tensor::empty(x.shape(), DType::i32);
  const double scale = std::ldexp(1.0, activations.f), hi = static_cast<double>(activations.hi());
  const auto convert = [&](const auto* from) {
    for (std::int64_t i = 0; i < x.numel(); ++i) {
      const double v = static_cast<double>(from[i]) * scale;  // exact: a power of two
      THIMBLE_CHECK(std::isfinite(v), value, "quantised features: input number ", i, " is not finite");
      out.mut<std::int32_t>()[i] = static_cast<std::int32_t>(std::clamp(std::nearbyint(v), -hi, hi));
    }
  };
  x.dtype() == DType::f64 ? convert(x.data<double>()) : convert(x.data<float>());
  return out;
}

IntegerRoute fastest_route(const QuantisedChain& chain, std::int64_t samples) {
  const Bounds bounds = bounds_of(chain, samples);
  // Below 2^51 the quotient of a mean is off a half by more than a double rounds.
  if (bounds.pooled >= Wide{1} << 51) return IntegerRoute::i64;
  for (const std::int64_t length : chain.chain.lengths(samples))
    if (length > 4096) return IntegerRoute::f64;  // pooled in two parts of 12 bits
  return bounds.folded < Wide{1} << 24 ? IntegerRoute::f32 : IntegerRoute::f64;
}

Tensor quantised_features(const QuantisedChain& chain, const Tensor& x, IntegerRoute route) {
  check_input(chain, x);
  const IntegerRoute fastest = fastest_route(chain, x.size(-1));
  if (route == IntegerRoute::fastest) route = fastest;
  THIMBLE_CHECK(route >= fastest, value, "quantised features: sums of ", chain.weights.str(), " times ",
                chain.activations.str(), " are not exact on the route asked for");
  if (route == IntegerRoute::f32) return through_floats<float>(chain, x);
  if (route == IntegerRoute::f64) return through_floats<double>(chain, x);
  WaveletTrace unused;
  return quantised_features(chain, x, unused);
}

Tensor quantised_features(const QuantisedChain& chain, const Tensor& x, WaveletTrace& trace) {
  check_input(chain, x);
  const Tensor integers = x.dtype() == DType::i32 ? x : quantise_input(x, chain.activations);
  const std::int64_t samples = x.size(-1), windows = x.numel() / samples, features = chain.chain.features();
  const Tensor out = Tensor::empty({windows, features}, DType::i32);
  ExactWavelet exact(chain, samples, windows, trace);
  const std::int32_t* in = integers.data<std::int32_t>();
  for (std::int64_t w = 0; w < windows; ++w)
    exact.window({in + w * samples, in + (w + 1) * samples}, out.mut<std::int32_t>() + w * features);
  return out;
}

}  // namespace thimble::kernels
