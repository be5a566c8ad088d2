#pragma once
// The wavelet chain on one window at a time, in plain loops: what doubles use, and what the lanes kernels are compared
// with.

#include "core/kernels/wavelet_conv.h"

#include <cmath>
#include <cstdint>
#include <vector>

namespace thimble::kernels {

/// Working memory and loops for windows of one length. A: the type sums are formed in.
template <class A>
class PlainWavelet {
 public:
  /// `filters`: all taps behind one another, feature and pass filter of every level.
  PlainWavelet(const WaveletChain& chain, std::int64_t samples, const std::vector<A>& filters,
               const WaveletDropout& dropout, const WaveletGrid& grid)
      : chain_(chain), dropout_(dropout), filters_(filters), grid_(grid.on), round_input_(grid.round_input) {
    if (grid_) {
      step_ = static_cast<A>(grid.activations.step());
      limit_ = static_cast<A>(grid.activations.value(grid.activations.hi()));
    }
    std::int64_t length = samples;
    for (const WaveletLevel& level : chain.levels) {
      Level l;
      l.in = length;
      l.before = std::max(level.taps - level.stride, 0);
      l.out = (length + l.before - 1) / level.stride + 1;
      l.padded.assign(static_cast<std::size_t>(l.before + length + level.taps - 1), A{0});
      l.folded.resize(static_cast<std::size_t>(l.out));
      l.pass.resize(static_cast<std::size_t>(l.out));
      length = l.out;
      levels_.push_back(std::move(l));
    }
  }

  /// Features of one window; keeps what gradient() needs.
  template <class T>
  void forward(const T* x, std::int64_t window, T* features) {
    for (std::int64_t t = 0; t < levels_[0].in; ++t)
      input(0)[t] = round_input_ ? on_grid(static_cast<A>(x[t])) : static_cast<A>(x[t]);
    std::int64_t column = 0;
    for (std::size_t l = 0; l < levels_.size(); ++l) {
      correlate(l);
      for (int bin = 0; bin < chain_.levels[l].features; ++bin)
        features[column++] = static_cast<T>(on_grid(pooled(l, levels_[l].folded, bin, chain_.levels[l].features)));
      if (l + 1 == levels_.size()) break;
      for (std::int64_t i = 0; i < levels_[l].out; ++i)
        input(l + 1)[i] = on_grid(levels_[l].pass[static_cast<std::size_t>(i)]) * kept(window, l, i);
    }
    const std::size_t last = levels_.size() - 1;
    final_ = levels_[last].pass;
    for (std::size_t i = 0; i < final_.size(); ++i) final_[i] *= kept(window, last, static_cast<std::int64_t>(i));
    features[column] = static_cast<T>(on_grid(pooled(last, final_, 0, 1)));
  }

  /// Behind forward() of the same window: adds to `d_filters`, writes d_x unless null.
  template <class T>
  void gradient(std::int64_t window, const T* d_features, std::vector<A>& d_filters, std::vector<A>* d_x) {
    const std::size_t last = levels_.size() - 1;
    std::int64_t column = chain_.features() - 1;
    std::vector<A> d_pass(final_.size(), A{0}), d_folded;
    spread(last, final_, 0, 1, static_cast<A>(d_features[column]), d_pass);
    for (std::size_t i = 0; i < d_pass.size(); ++i) d_pass[i] *= kept(window, last, static_cast<std::int64_t>(i));
    std::size_t first = filters_.size();
    for (std::size_t l = levels_.size(); l-- > 0;) {
      const WaveletLevel& level = chain_.levels[l];
      d_folded.assign(levels_[l].folded.size(), A{0});
      column -= level.features;
      for (int bin = 0; bin < level.features; ++bin)
        spread(l, levels_[l].folded, bin, level.features, static_cast<A>(d_features[column + bin]), d_folded);
      first -= 2 * static_cast<std::size_t>(level.taps);
      std::vector<A> d_in(levels_[l].padded.size(), A{0});
      back(l, first, d_folded, d_pass, d_filters, d_in);
      d_pass.assign(d_in.begin() + levels_[l].before, d_in.begin() + levels_[l].before + levels_[l].in);
      if (l == 0) break;
      for (std::size_t i = 0; i < d_pass.size(); ++i)
        d_pass[i] *= kept(window, l - 1, static_cast<std::int64_t>(i)) * inside(levels_[l - 1].pass[i]);
    }
    if (d_x != nullptr) *d_x = std::move(d_pass);
  }

 private:
  struct Level {
    std::int64_t in = 0, before = 0, out = 0;
    std::vector<A> padded, folded, pass;  // the first before its activation
  };
  struct Bin {
    std::int64_t first, end;
  };

  A* input(std::size_t l) { return levels_[l].padded.data() + levels_[l].before; }
  A slope(std::size_t l, A y) const {
    return y > 0 ? A{1} : static_cast<A>(-std::ldexp(1.0, -chain_.levels[l].relu_power));
  }
  A on_grid(A v) const {
    if (!grid_) return v;
    const A rounded = std::nearbyint(v / step_) * step_;
    return rounded > limit_ ? limit_ : rounded < -limit_ ? -limit_ : rounded;
  }
  A inside(A v) const { return grid_ && !(std::abs(v) <= limit_) ? A{0} : A{1}; }
  A kept(std::int64_t window, std::size_t l, std::int64_t position) const {
    if (dropout_.share == 0) return 1;
    if (dropout_.drops(window, static_cast<std::int64_t>(l), position)) return 0;
    return static_cast<A>(1 / (1 - dropout_.share));
  }
  /// Bin of an adaptive average pool over a level's outputs.
  Bin bin_of(std::size_t l, int bin, int bins) const {
    const std::int64_t n = levels_[l].out;
    return {bin * n / bins, ((bin + 1) * n + bins - 1) / bins};
  }
  A pooled(std::size_t l, const std::vector<A>& values, int bin, int bins) const {
    const Bin b = bin_of(l, bin, bins);
    A sum = 0;
    for (std::int64_t i = b.first; i < b.end; ++i) {
      const A y = values[static_cast<std::size_t>(i)];
      sum += y * slope(l, y);
    }
    return sum / static_cast<A>(wavelet_divisor(chain_.pool, b.end - b.first));
  }
  void spread(std::size_t l, const std::vector<A>& values, int bin, int bins, A d, std::vector<A>& d_values) const {
    const Bin b = bin_of(l, bin, bins);
    const A each =
        d * inside(pooled(l, values, bin, bins)) / static_cast<A>(wavelet_divisor(chain_.pool, b.end - b.first));
    for (std::int64_t i = b.first; i < b.end; ++i) {
      const auto k = static_cast<std::size_t>(i);
      d_values[k] += each * slope(l, values[k]);
    }
  }
  std::size_t first_filter(std::size_t l) const {
    std::size_t first = 0;
    for (std::size_t k = 0; k < l; ++k) first += 2 * static_cast<std::size_t>(chain_.levels[k].taps);
    return first;
  }
  void correlate(std::size_t l) {
    const auto taps = static_cast<std::size_t>(chain_.levels[l].taps),
               stride = static_cast<std::size_t>(chain_.levels[l].stride);
    const A *feat = filters_.data() + first_filter(l), *pass = feat + taps;
    Level& level = levels_[l];
    for (std::size_t i = 0; i < level.folded.size(); ++i) {
      const A* x = level.padded.data() + i * stride;
      A f = 0, p = 0;
      for (std::size_t k = 0; k < taps; ++k) {
        f += feat[k] * x[k];
        p += pass[k] * x[k];
      }
      level.folded[i] = f;
      level.pass[i] = p;
    }
  }
  void back(std::size_t l, std::size_t first, const std::vector<A>& df, const std::vector<A>& dp,
            std::vector<A>& d_filters, std::vector<A>& d_in) const {
    const auto taps = static_cast<std::size_t>(chain_.levels[l].taps),
               stride = static_cast<std::size_t>(chain_.levels[l].stride);
    const A *feat = filters_.data() + first, *pass = feat + taps;
    A *d_feat = d_filters.data() + first, *d_pass = d_feat + taps;
    for (std::size_t i = 0; i < df.size(); ++i) {
      const A* x = levels_[l].padded.data() + i * stride;
      A* dx = d_in.data() + i * stride;
      for (std::size_t k = 0; k < taps; ++k) {
        d_feat[k] += df[i] * x[k];
        d_pass[k] += dp[i] * x[k];
        dx[k] += df[i] * feat[k] + dp[i] * pass[k];
      }
    }
  }

  const WaveletChain& chain_;
  const WaveletDropout& dropout_;
  const std::vector<A>& filters_;
  bool grid_, round_input_;
  A step_ = 1, limit_ = 0;
  std::vector<Level> levels_;
  std::vector<A> final_;  // last pass outputs with dropout, before the activation
};

}  // namespace thimble::kernels
