#include "core/kernels/gemm.h"

#include "core/kernels/onednn.h"

#include <Eigen/Core>

#include <cstdlib>
#include <cstring>

namespace thimble::kernels {
namespace {

template <class T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class T>
using MapIn = Eigen::Map<const Matrix<T>, 0, Eigen::OuterStride<>>;
template <class T>
using MapOut = Eigen::Map<Matrix<T>, 0, Eigen::OuterStride<>>;

template <class A, class B, class C>
void multiply(const A& a, const B& b, C& c, bool add) {
  if (add)
    c.noalias() += a * b;
  else
    c.noalias() = a * b;
}

template <class T>
void eigen_gemm(const Gemm& s, const T* a, const T* b, T* c) {
  const MapIn<T> left(a, s.transpose_a ? s.k : s.m, s.transpose_a ? s.m : s.k, Eigen::OuterStride<>(s.lda));
  const MapIn<T> right(b, s.transpose_b ? s.n : s.k, s.transpose_b ? s.k : s.n, Eigen::OuterStride<>(s.ldb));
  MapOut<T> out(c, s.m, s.n, Eigen::OuterStride<>(s.ldc));
  if (s.transpose_a && s.transpose_b)
    multiply(left.transpose(), right.transpose(), out, s.add);
  else if (s.transpose_a)
    multiply(left.transpose(), right, out, s.add);
  else if (s.transpose_b)
    multiply(left, right.transpose(), out, s.add);
  else
    multiply(left, right, out, s.add);
}

bool use_onednn(const Gemm& s) {
  if (!onednn_available()) return false;
  static const char* forced = std::getenv("THIMBLE_GEMM");
  if (forced != nullptr) return std::strcmp(forced, "onednn") == 0;
  return s.m * s.n * s.k >= 32 * 32 * 32;  // below, the call costs more than the product (bench_kernels, W7)
}

}  // namespace

const char* chosen_gemm(const Gemm& shape) {
  return use_onednn(shape) ? "onednn" : "eigen";
}

void gemm(const Gemm& shape, const float* a, const float* b, float* c) {
  if (use_onednn(shape))
    onednn_gemm(shape, a, b, c);
  else
    eigen_gemm(shape, a, b, c);
}

void gemm(const Gemm& shape, const double* a, const double* b, double* c) {
  eigen_gemm(shape, a, b, c);
}

}  // namespace thimble::kernels
