#pragma once
// Matrix products of the rows layout. Wide products go to oneDNN (held primitives) or Eigen, both single-threaded;
// parallel callers cut the rows themselves.

#include <cstdint>

namespace thimble::kernels {

/// C (=, +=) op(A) op(B), row-major. op(A) [m, k], op(B) [k, n], C [m, n]; lda, ldb, ldc are row strides in memory.
struct Gemm {
  std::int64_t m, n, k;
  std::int64_t lda, ldb, ldc;
  bool transpose_a = false, transpose_b = false;
  bool add = false;
};
void gemm(const Gemm& shape, const float* a, const float* b, float* c);
void gemm(const Gemm& shape, const double* a, const double* b, double* c);

/// Which library takes a float product of this shape: "eigen" or "onednn". THIMBLE_GEMM=eigen|onednn forces one.
const char* chosen_gemm(const Gemm& shape);

}  // namespace thimble::kernels
