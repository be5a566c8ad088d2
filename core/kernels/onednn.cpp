#include "core/kernels/onednn.h"

#include "core/base/error.h"

#ifdef THIMBLE_WITH_ONEDNN
#include <dnnl.hpp>
#include <omp.h>

#include <map>
#include <tuple>

namespace thimble::kernels {
namespace {

using Key =
    std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t, bool, bool, bool>;

Key key_of(const Gemm& s) {
  return {s.m, s.n, s.k, s.lda, s.ldb, s.ldc, s.transpose_a, s.transpose_b, s.add};
}

/// One engine and stream per thread: creating either is slow, sharing a stream is not thread safe.
struct Device {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  Device() { omp_set_num_threads(1); }  // of this thread: callers cut the work, the library must not cut it again
};

struct Held {
  dnnl::matmul primitive;
  dnnl::memory a, b, c;
};

dnnl::memory::desc matrix(std::int64_t rows, std::int64_t columns, std::int64_t stride, bool transposed) {
  using Strides = dnnl::memory::dims;
  return {{rows, columns}, dnnl::memory::data_type::f32, transposed ? Strides{1, stride} : Strides{stride, 1}};
}

Held create(const Gemm& s, const Device& device) {
  const auto a = matrix(s.m, s.k, s.lda, s.transpose_a), b = matrix(s.k, s.n, s.ldb, s.transpose_b);
  const auto c = matrix(s.m, s.n, s.ldc, false);
  dnnl::primitive_attr attributes;
  if (s.add) {
    dnnl::post_ops sum;
    sum.append_sum(1.0f);
    attributes.set_post_ops(sum);
  }
  const dnnl::matmul::primitive_desc description(dnnl::matmul::desc(a, b, c), attributes, device.engine);
  return {dnnl::matmul(description), dnnl::memory(a, device.engine, nullptr), dnnl::memory(b, device.engine, nullptr),
          dnnl::memory(c, device.engine, nullptr)};
}

}  // namespace

bool onednn_available() {
  return true;
}

void onednn_gemm(const Gemm& shape, const float* a, const float* b, float* c) {
  thread_local Device device;
  thread_local std::map<Key, Held> held;
  auto found = held.find(key_of(shape));
  if (found == held.end()) found = held.emplace(key_of(shape), create(shape, device)).first;
  Held& h = found->second;
  h.a.set_data_handle(const_cast<float*>(a));  // oneDNN has no handle for read-only memory
  h.b.set_data_handle(const_cast<float*>(b));
  h.c.set_data_handle(c);
  h.primitive.execute(device.stream, {{DNNL_ARG_SRC, h.a}, {DNNL_ARG_WEIGHTS, h.b}, {DNNL_ARG_DST, h.c}});
  device.stream.wait();
}

}  // namespace thimble::kernels

#else

namespace thimble::kernels {

bool onednn_available() {
  return false;
}
void onednn_gemm(const Gemm&, const float*, const float*, float*) {
  fail(ErrorKind::internal, "this build has no oneDNN");
}

}  // namespace thimble::kernels

#endif
