#include "hw/lower/wavelet.h"

#include "core/base/error.h"

#include <algorithm>
#include <bit>

namespace thimble::hw {
namespace {

class WaveletLowering {
 public:
  WaveletLowering(const kernels::QuantisedChain& chain, std::int64_t samples) : chain_(chain), samples_(samples) {}

  Graph run(const std::string& name) {
    chain_.check(samples_);
    THIMBLE_CHECK(chain_.chain.pool == kernels::WaveletPool::bitshift, value,
                  "lowering a wavelet chain: its features are means, the chip divides by powers of two");
    graph_.name = name;
    graph_.schedule = Schedule{.mode = "stream"};
    TensorId x = graph_.append("x", op::Input{{samples_, 1}, {chain_.activations}, {symmetric()}});
    const auto& levels = chain_.chain.levels;
    TensorId pass = -1;
    for (std::size_t k = 0; k < levels.size(); ++k) {
      THIMBLE_CHECK(levels[k].features == 1, value, "lowering a wavelet chain: level ", k + 1, " has ",
                    levels[k].features, " features, the chip has one register per level");
      const std::string n = std::to_string(k);
      const TensorId feat = graph_.append("feat" + n, filter(levels[k], chain_.filters[2 * k]), {x});
      pass = graph_.append("pass" + n, filter(levels[k], chain_.filters[2 * k + 1]), {x});
      feature(n, feat, levels[k].relu_power);
      if (k + 1 < levels.size()) x = graph_.append("out" + n, rounded(), {pass});
    }
    feature("_final", pass, levels.back().relu_power);
    graph_.append("", op::Output{}, {graph_.append("features", op::Concat{0}, features_)});
    return std::move(graph_);
  }

 private:
  /// Samples saturate symmetrically, so the lowest integer of the type never occurs.
  Interval symmetric() const { return {-chain_.activations.hi(), chain_.activations.hi()}; }
  op::Requant rounded() const { return {{chain_.activations}, fixed::Round::rnd_conv, fixed::Overflow::sat_sym}; }

  op::Conv1d filter(const kernels::WaveletLevel& level, const std::vector<std::int32_t>& taps) const {
    op::Conv1d op;
    op.taps = level.taps;
    op.weights.assign(taps.begin(), taps.end());
    op.stride = level.stride;
    op.before = std::max(level.taps - level.stride, 0);
    op.after = level.taps - 1;
    op.frac = {chain_.weights.f};
    return op;
  }

  void feature(const std::string& n, TensorId sums, int power) {
    const TensorId folded = graph_.append("act" + n, op::LeakyShift{power, -1}, {sums});
    const std::int64_t divisor = kernels::wavelet_divisor(chain_.chain.pool, graph_.tensor(sums).shape[0]);
    const int d = std::countr_zero(static_cast<std::uint64_t>(divisor));
    const TensorId mean = graph_.append("mean" + n, op::AvgShift{0, d}, {folded});
    features_.push_back(graph_.append("feature" + n, rounded(), {mean}));
  }

  const kernels::QuantisedChain& chain_;
  std::int64_t samples_;
  Graph graph_;
  std::vector<TensorId> features_;
};

}  // namespace

Graph lower_wavelet(const kernels::QuantisedChain& chain, std::int64_t samples, const std::string& name) {
  return WaveletLowering(chain, samples).run(name);
}

}  // namespace thimble::hw
