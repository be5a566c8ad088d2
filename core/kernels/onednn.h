#pragma once
// Matrix products through oneDNN, when the build has it.

#include "core/kernels/gemm.h"

namespace thimble::kernels {

bool onednn_available();
/// As gemm(); the primitive of a shape is created once per thread and held.
void onednn_gemm(const Gemm& shape, const float* a, const float* b, float* c);

}  // namespace thimble::kernels
