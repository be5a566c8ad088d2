#include "core/kernels/wavelet_conv.h"

#include "core/base/error.h"
#include "core/kernels/wavelet_lanes.h"
#include "core/kernels/wavelet_memory.h"
#include "core/kernels/wavelet_plain.h"
#include "core/parallel/blocks.h"

#include <algorithm>
#include <cmath>

namespace thimble::kernels {
namespace {

/// All filters behind one another.
template <class A>
std::vector<A> flat_filters(std::span<const Tensor> weights) {
  std::vector<A> flat;
  for (const Tensor& w : weights)
    for (const double v : w.to_vector()) flat.push_back(static_cast<A>(v));
  return flat;
}

void check_operands(const char* what, const WaveletChain& chain, const Tensor& x, std::span<const Tensor> weights,
                    const Tensor& features, const WaveletDropout& dropout) {
  chain.check();
  THIMBLE_CHECK(dropout.share >= 0 && dropout.share < 1, value, what, ": dropout is ", dropout.share,
                ", it must lie in [0, 1)");
  THIMBLE_CHECK(x.layout() == Layout::rows && features.layout() == Layout::rows, shape, what, ": rows layout only");
  THIMBLE_CHECK(x.dtype() == DType::f32 || x.dtype() == DType::f64, dtype, what, ": x is ", name_of(x.dtype()),
                ", wanted f32 or f64");
  THIMBLE_CHECK(features.dtype() == x.dtype(), dtype, what, ": features are ", name_of(features.dtype()), ", x is ",
                name_of(x.dtype()));
  THIMBLE_CHECK(x.rank() >= 1 && x.size(-1) >= 1, shape, what, ": x ", x.shape(), " holds windows of no samples");
  const std::int64_t windows = x.numel() / x.size(-1);
  THIMBLE_CHECK(features.numel() == windows * chain.features(), shape, what, ": features ", features.shape(), " for x ",
                x.shape(), ", wanted [", windows, ", ", chain.features(), "]");
  THIMBLE_CHECK(weights.size() == 2 * chain.levels.size(), shape, what, ": ", weights.size(), " filters for ",
                chain.levels.size(), " levels");
  for (std::size_t k = 0; k < weights.size(); ++k)
    THIMBLE_CHECK(weights[k].numel() == chain.levels[k / 2].taps && weights[k].dtype() == x.dtype(), shape, what,
                  ": the ", k % 2 == 0 ? "feature" : "pass", " filter of level ", k / 2, " is ", weights[k].shape(),
                  " ", name_of(weights[k].dtype()), ", wanted [", chain.levels[k / 2].taps, "] ", name_of(x.dtype()));
}

template <class T, class A>
void plain_features(const WaveletChain& chain, const Tensor& x, std::span<const Tensor> weights, const Tensor& out,
                    const WaveletDropout& dropout, const WaveletGrid& grid) {
  const std::int64_t samples = x.size(-1), windows = x.numel() / samples, features = chain.features();
  const std::vector<A> filters = flat_filters<A>(weights);
  const std::int64_t blocks = (windows + kWaveletBlock - 1) / kWaveletBlock;
  parallel_blocks(blocks, [&](std::int64_t block) {
    PlainWavelet<A> plain(chain, samples, filters, dropout, grid);
    const std::int64_t end = std::min(windows, (block + 1) * kWaveletBlock);
    for (std::int64_t w = block * kWaveletBlock; w < end; ++w)
      plain.forward(x.data<T>() + w * samples, dropout.first_window + w, out.mut<T>() + w * features);
  });
}

template <class T>
void put(Into target, std::int64_t i, T value) {
  T& to = target.tensor->mut<T>()[i];
  to = target.add ? to + value : value;
}

template <class T, class A>
void plain_gradient(const WaveletChain& chain, const Tensor& x, std::span<const Tensor> weights, const Tensor& d_out,
                    const WaveletDropout& dropout, std::span<const Into> d_weights, Into d_x, const WaveletGrid& grid) {
  const std::int64_t samples = x.size(-1), windows = x.numel() / samples, features = chain.features();
  const std::vector<A> filters = flat_filters<A>(weights);
  const std::int64_t blocks = (windows + kWaveletBlock - 1) / kWaveletBlock;
  std::vector<std::vector<A>> partial(static_cast<std::size_t>(blocks));
  parallel_blocks(blocks, [&](std::int64_t block) {
    PlainWavelet<A> plain(chain, samples, filters, dropout, grid);
    std::vector<T> unused(static_cast<std::size_t>(features));
    std::vector<A>& sums = partial[static_cast<std::size_t>(block)];
    sums.assign(filters.size(), A{0});
    std::vector<A> one_dx;
    const std::int64_t end = std::min(windows, (block + 1) * kWaveletBlock);
    for (std::int64_t w = block * kWaveletBlock; w < end; ++w) {
      plain.forward(x.data<T>() + w * samples, dropout.first_window + w, unused.data());
      plain.gradient(dropout.first_window + w, d_out.data<T>() + w * features, sums, d_x ? &one_dx : nullptr);
      if (d_x)
        for (std::int64_t t = 0; t < samples; ++t)
          put<T>(d_x, w * samples + t, static_cast<T>(one_dx[static_cast<std::size_t>(t)]));
    }
  });
  std::size_t at = 0;
  for (std::size_t k = 0; k < d_weights.size(); ++k)
    for (std::int64_t tap = 0; tap < weights[k].numel(); ++tap, ++at) {
      if (!d_weights[k]) continue;
      T& to = d_weights[k].tensor->mut<T>()[tap];
      T sum = d_weights[k].add ? to : T{0};
      for (const auto& block : partial) sum += static_cast<T>(block[at]);
      to = sum;
    }
}

/// Whether folded sums on the grid are exact in float and can be pooled in two parts of 12 bits (isa/wavelet.cpp);
/// throws when pooled sums are not exact in double either.
bool exact_in_float(const char* what, const WaveletChain& chain, std::int64_t samples, std::span<const Tensor> weights,
                    const WaveletGrid& grid) {
  const std::vector<std::int64_t> lengths = chain.lengths(samples);
  bool exact = true;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    double sum = 0;
    for (const double v : weights[k].to_vector()) sum += std::abs(v);
    const double steps = std::ldexp(sum, grid.weights.f + chain.levels[k / 2].relu_power);
    const double largest = steps * static_cast<double>(grid.activations.hi());
    THIMBLE_CHECK(largest * static_cast<double>(lengths[k / 2]) < 0x1p51, value, what, ": sums of ", grid.weights.str(),
                  " times ", grid.activations.str(), " over ", samples, " samples may need more than 51 bits");
    exact = exact && largest < 0x1p24 && lengths[k / 2] <= 4096;
  }
  return exact;
}

}  // namespace

std::int64_t WaveletChain::features() const {
  std::int64_t sum = 1;
  for (const WaveletLevel& level : levels) sum += level.features;
  return sum;
}

std::int64_t WaveletChain::weights() const {
  std::int64_t sum = 0;
  for (const WaveletLevel& level : levels) sum += 2 * level.taps;
  return sum;
}

std::vector<std::int64_t> WaveletChain::lengths(std::int64_t samples) const {
  std::vector<std::int64_t> all;
  for (const WaveletLevel& level : levels)
    all.push_back(samples = (samples + std::max(level.taps - level.stride, 0) - 1) / level.stride + 1);
  return all;
}

std::int64_t WaveletChain::macs(std::int64_t samples) const {
  const std::vector<std::int64_t> outputs = lengths(samples);
  std::int64_t sum = 0;
  for (std::size_t l = 0; l < levels.size(); ++l) sum += 2 * levels[l].taps * outputs[l];
  return sum;
}

void WaveletChain::check() const {
  THIMBLE_CHECK(!levels.empty() && static_cast<std::int64_t>(levels.size()) <= kWaveletLevels, value,
                "wavelet chain: ", levels.size(), " levels, wanted 1 to ", kWaveletLevels);
  for (std::size_t l = 0; l < levels.size(); ++l) {
    const WaveletLevel& level = levels[l];
    const auto refuse = [l](const char* field, int value, const char* range) {
      fail(ErrorKind::value, "wavelet chain: level ", l, " has ", field, " ", value, ", wanted ", range);
    };
    if (level.taps < 1 || level.taps > 4096) refuse("taps", level.taps, "1 to 4096");
    if (level.stride < 1 || level.stride > 4096) refuse("stride", level.stride, "1 to 4096");
    if (level.relu_power < 0 || level.relu_power > 15) refuse("relu_power", level.relu_power, "0 to 15");
    if (level.features < 1 || level.features > 4096) refuse("features", level.features, "1 to 4096");
  }
}

std::int64_t wavelet_divisor(WaveletPool pool, std::int64_t length) {
  if (pool == WaveletPool::mean) return length;
  // log2 is never a half for an integer, so ties do not occur: round(log2 n) switches at sqrt(2) * 2^k, n^2 = 2^(2k+1).
  std::int64_t power = 1;
  while (power * 2 <= length) power *= 2;
  return length * length > 2 * power * power ? 2 * power : power;
}

std::uint32_t WaveletDropout::threshold() const {
  return static_cast<std::uint32_t>(std::lround(share * 65536));
}

bool WaveletDropout::drops(std::int64_t window, std::int64_t level, std::int64_t position) const {
  const auto at = static_cast<std::uint64_t>(position);
  const std::uint64_t block =
      (static_cast<std::uint64_t>(window) << 32) | (static_cast<std::uint64_t>(level) << 26) | at / 8;
  const std::uint32_t word = random.bits(step, 4 * block + at / 2 % 4);
  return ((word >> (16 * (at % 2))) & 0xFFFFu) < threshold();
}

void wavelet_features(const WaveletChain& chain, const Tensor& x, std::span<const Tensor> weights, const Tensor& out,
                      const WaveletDropout& dropout, const WaveletGrid& grid, WaveletMemory* memory) {
  check_operands("wavelet features", chain, x, weights, out, dropout);
  if (memory != nullptr) memory->forget();
  if (x.dtype() == DType::f64) return plain_features<double, double>(chain, x, weights, out, dropout, grid);
  if (grid.on && !exact_in_float("wavelet features", chain, x.size(-1), weights, grid))
    return plain_features<float, double>(chain, x, weights, out, dropout, grid);
  lanes_features(chain, x, weights, out, dropout, grid, memory);
}

void wavelet_gradient(const WaveletChain& chain, const Tensor& x, std::span<const Tensor> weights, const Tensor& d_out,
                      const WaveletDropout& dropout, std::span<const Into> d_weights, Into d_x, const WaveletGrid& grid,
                      const WaveletMemory* memory) {
  check_operands("wavelet gradient", chain, x, weights, d_out, dropout);
  THIMBLE_CHECK(d_weights.size() == weights.size(), shape, "wavelet gradient: ", d_weights.size(), " targets for ",
                weights.size(), " filters");
  if (x.dtype() == DType::f64)
    return plain_gradient<double, double>(chain, x, weights, d_out, dropout, d_weights, d_x, grid);
  if (grid.on && !exact_in_float("wavelet gradient", chain, x.size(-1), weights, grid))
    return plain_gradient<float, double>(chain, x, weights, d_out, dropout, d_weights, d_x, grid);
  lanes_gradient(chain, x, weights, d_out, dropout, d_weights, d_x, grid, memory);
}

namespace reference {

void wavelet_features(const WaveletChain& chain, const Tensor& x, std::span<const Tensor> weights, const Tensor& out) {
  const std::int64_t samples = x.size(-1), windows = x.numel() / samples;
  const std::vector<double> all = x.to_vector();
  std::vector<double> features;
  const auto folded_mean = [&](const std::vector<double>& y, int power, std::int64_t first, std::int64_t end) {
    double sum = 0;
    for (std::int64_t i = first; i < end; ++i) {
      const double v = y[static_cast<std::size_t>(i)];
      sum += v >= 0 ? v : -v / std::exp2(power);
    }
    features.push_back(sum / static_cast<double>(wavelet_divisor(chain.pool, end - first)));
  };
  for (std::int64_t w = 0; w < windows; ++w) {
    std::vector<double> signal(all.begin() + w * samples, all.begin() + (w + 1) * samples);
    for (std::size_t l = 0; l < chain.levels.size(); ++l) {
      const WaveletLevel& level = chain.levels[l];
      const auto feat = wavelet_level(level, signal, weights[2 * l].to_vector());
      const auto n = static_cast<std::int64_t>(feat.size());
      for (int k = 0; k < level.features; ++k)
        folded_mean(feat, level.relu_power, k * n / level.features,
                    ((k + 1) * n + level.features - 1) / level.features);
      signal = wavelet_level(level, signal, weights[2 * l + 1].to_vector());
    }
    folded_mean(signal, chain.levels.back().relu_power, 0, static_cast<std::int64_t>(signal.size()));
  }
  copy_into(Tensor::from(features, out.shape()).to(out.dtype()), out);
}

std::vector<double> wavelet_level(const WaveletLevel& level, const std::vector<double>& x,
                                  const std::vector<double>& filter) {
  const auto length = static_cast<std::int64_t>(x.size());
  const std::int64_t before = std::max(level.taps - level.stride, 0);
  std::vector<double> y(static_cast<std::size_t>((length + before - 1) / level.stride + 1), 0.0);
  for (std::size_t i = 0; i < y.size(); ++i)
    for (std::int64_t k = 0; k < level.taps; ++k) {
      const std::int64_t at = static_cast<std::int64_t>(i) * level.stride + k - before;
      if (at >= 0 && at < length) y[i] += filter[static_cast<std::size_t>(k)] * x[static_cast<std::size_t>(at)];
    }
  return y;
}

}  // namespace reference
}  // namespace thimble::kernels
