// The wavelet chain: hand-worked cases, properties, and the published layer cases.
#include "core/base/error.h"
#include "core/kernels/wavelet_conv.h"
#include "core/parallel/blocks.h"

#include <doctest/doctest.h>

#include <vector>

using namespace thimble;
using namespace thimble::kernels;

namespace {

std::vector<double> chain_features(const WaveletChain& chain, const std::vector<double>& x,
                                   const std::vector<std::vector<double>>& filters, DType dtype) {
  std::vector<Tensor> weights;
  for (const auto& f : filters) weights.push_back(Tensor::from(f).to(dtype));
  const Tensor out = Tensor::zeros({1, chain.features()}, dtype);
  wavelet_features(chain, Tensor::from(x).to(dtype), weights, out);
  return out.to_vector();
}

const std::vector<double> kHandX{1, -2, 3, 0.5, -1, 2, 4, -3};

}  // namespace

TEST_CASE("[FN F01] the hand-worked layer A gives its feature and pass outputs exactly") {
  const WaveletLevel level{2, 2, 0, 1};
  CHECK(reference::wavelet_level(level, kHandX, {0.5, 0.5}) == std::vector<double>{-0.5, 1.75, 0.5, 0.5});
  for (const DType dtype : {DType::f32, DType::f64})
    CHECK(chain_features({{level}}, kHandX, {{1, -1}, {0.5, 0.5}}, dtype) == std::vector<double>{3.875, 0.8125});
}
