#pragma once
// The wavelet chain in float with sixteen windows in the lanes: memory and threads around core/kernels/isa/wavelet.

#include "core/kernels/dispatch.h"
#include "core/kernels/wavelet_memory.h"

namespace thimble::kernels {

/// As wavelet_features and wavelet_gradient for f32, operands checked. With a grid the sums must be exact in float.
void lanes_features(const WaveletChain& chain, const Tensor& x, std::span<const Tensor> weights, const Tensor& out,
                    const WaveletDropout& dropout, const WaveletGrid& grid, WaveletMemory* memory = nullptr,
                    const IsaTable& table = isa());
void lanes_gradient(const WaveletChain& chain, const Tensor& x, std::span<const Tensor> weights, const Tensor& d_out,
                    const WaveletDropout& dropout, std::span<const Into> d_weights, Into d_x, const WaveletGrid& grid,
                    const WaveletMemory* memory = nullptr, const IsaTable& table = isa());

}  // namespace thimble::kernels
