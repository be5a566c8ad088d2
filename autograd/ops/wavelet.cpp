#include "autograd/ops/wavelet.h"

#include "core/base/error.h"

#include <array>

namespace thimble {
namespace {

/// The one vector of filters cut into those of the levels, without allocating.
class Cut {
 public:
  Cut(const kernels::WaveletChain& chain, const Tensor& filters) {
    std::int64_t first = 0;
    for (const kernels::WaveletLevel& level : chain.levels)
      for (int branch = 0; branch < 2; ++branch, first += level.taps)
        parts_[count_++] = filters.rows(first, level.taps);
  }
  std::span<const Tensor> parts() const { return {parts_.data(), count_}; }

 private:
  std::array<Tensor, 2 * kernels::kWaveletLevels> parts_;
  std::size_t count_ = 0;
};

struct WaveletCall {
  const WaveletSettings* settings;
  Stream random;
  const std::uint64_t* step;

  kernels::WaveletDropout dropout() const {
    if (step == nullptr || settings->dropout == 0) return {};
    return {.share = settings->dropout, .random = random, .step = *step};
  }
  void forward(const Run& r) const {
    const Cut filters(settings->chain, r.in(1));
    kernels::wavelet_features(settings->chain, r.in(0), filters.parts(), r.out(), dropout(), settings->grid);
  }
  void backward(const Run& r) const {
    const Cut filters(settings->chain, r.in(1));
    const kernels::Into whole = r.d_in(1);
    std::array<kernels::Into, 2 * kernels::kWaveletLevels> targets;
    const Cut gradients(settings->chain, whole ? *whole.tensor : r.in(1));
    const std::size_t count = filters.parts().size();
    for (std::size_t k = 0; whole && k < count; ++k) targets[k] = {&gradients.parts()[k], whole.add};
    kernels::wavelet_gradient(settings->chain, r.in(0), filters.parts(), r.d_out(), dropout(), {targets.data(), count},
                              r.d_in(0), settings->grid);
  }
};

}  // namespace

Var wavelet_features(const Var& x, const Var& filters, const WaveletSettings& settings, const Stream& random,
                     const std::uint64_t* step) {
  settings.chain.check();
  THIMBLE_CHECK(x.shape().rank() >= 1 && x.size(-1) >= 1 && x.layout() == Layout::rows, shape, "wavelet_features: x ",
                x.shape(), " must be windows [..., T] in rows");
  THIMBLE_CHECK(filters.shape() == Shape{settings.chain.weights()}, shape, "wavelet_features: filters ",
                filters.shape(), ", wanted [", settings.chain.weights(), "]");
  THIMBLE_CHECK(settings.dropout >= 0 && settings.dropout < 1, value, "wavelet_features: dropout is ", settings.dropout,
                ", it must lie in [0, 1)");
  const WaveletCall call{&settings, random, step};
  return record(
      "wavelet_features", {x, filters}, {{x.value().numel() / x.size(-1), settings.chain.features()}, x.dtype()},
      [call](const Run& r) { call.forward(r); }, [call](const Run& r) { call.backward(r); });
}

}  // namespace thimble
