#pragma once
// Which set of kernels this machine runs.

#include "core/kernels/isa/table.h"

namespace thimble::kernels {

/// Kernels for the best instruction set of this CPU. The environment variable THIMBLE_ISA=avx2 asks for the smaller one
/// (both give the same bits; used in tests and measurements). Throws Error(tool) on a CPU without AVX2.
const IsaTable& isa();

}  // namespace thimble::kernels
