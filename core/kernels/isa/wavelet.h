#pragma once
// The wavelet chain with windows in the lanes (table.h has the meaning of the arguments).

#include "core/kernels/isa/table.h"
#include "core/kernels/isa/vec16.h"

namespace thimble::kernels::THIMBLE_ISA {

void wavelet_input(const WaveletGroup& group);
void wavelet_forward(const WaveletGroup& group, bool keep);
void wavelet_backward(const WaveletGroup& group);
void lane_totals(const float* lanes, i64 n, float* sums);

}  // namespace thimble::kernels::THIMBLE_ISA
