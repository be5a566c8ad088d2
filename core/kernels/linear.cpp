#include "core/kernels/linear.h"

#include "core/base/error.h"
#include "core/kernels/dispatch.h"
#include "core/kernels/elementwise.h"
#include "core/kernels/gemm.h"
#include "core/parallel/blocks.h"
#include "core/tensor/scratch.h"

#include <algorithm>
#include <cstring>

namespace thimble::kernels {
namespace {

struct Sizes {
  std::int64_t batch, inputs, outputs;
  std::int64_t blocks() const { return row_blocks(batch); }
  std::int64_t rows_of(std::int64_t block) const { return std::min(kBlockRows, batch - block * kBlockRows); }
  bool parallel() const { return batch * inputs * outputs >= kParallelWork; }
};

Sizes sizes_of(const Tensor& x, const Tensor& w) {
  return {x.size(0), w.size(1), w.size(0)};
}

// ---- lanes, f32
// ------------------------------------------------------------------------------------------------------

constexpr std::int64_t kBlockGroups = kBlockRows / kLanes;

void lanes_forward(const Sizes& s, const Tensor& x, const Tensor& w, const Tensor& b, Activation act, const Tensor& y) {
  const float* in = x.data<float>();
  float* out = y.mut<float>();
  const float* weight = w.data<float>();
  const float* bias = b.defined() ? b.data<float>() : nullptr;
  parallel_blocks(
      s.blocks(),
      [&](std::int64_t block) {
        const std::int64_t g = block * kBlockGroups;
        isa().product({in + g * s.inputs * kLanes, weight, bias, out + g * s.outputs * kLanes,
                       lane_groups(s.rows_of(block)), s.outputs, s.inputs, s.inputs, 1, act.kind,
                       static_cast<float>(act.slope), false});
      },
      s.parallel());
}

/// target (=, +=) parts[0] + parts[1] + ..., in that order.
void add_parts(const float* parts, std::int64_t blocks, std::int64_t stride, std::int64_t count, float* target,
               bool add) {
  for (std::int64_t i = 0; i < count; ++i) {
    float sum = add ? target[i] + parts[i] : parts[i];
    for (std::int64_t block = 1; block < blocks; ++block) sum += parts[block * stride + i];
    target[i] = sum;
  }
}

/// Gradients of one block of rows. dw and db go to `parts` of the block, or straight to their targets.
struct LanesBackward {
  Sizes s;
  const float *dy, *x, *y, *w;
  Activation act;
  Into dx, dw, db;
  float* parts;  // per block [dw | db], or null with a single block
  std::int64_t part_stride;

  void operator()(std::int64_t block) const {
    const std::int64_t g = block * kBlockGroups, groups = lane_groups(s.rows_of(block));
    const std::int64_t count = groups * s.outputs * kLanes, first = g * s.outputs * kLanes;
    Scratch<float> buffer(act.kind == Act::none ? 0 : count);
    const float* dz = dy + first;
    if (act.kind != Act::none) {
      isa().activate_gradient(dy + first, y + first, y + first, buffer.data(), count, act.kind,
                              static_cast<float>(act.slope), false);
      dz = buffer.data();
    }
    const float* in = x + g * s.inputs * kLanes;
    if (dw) {
      float* target = parts != nullptr ? parts + block * part_stride : dw.tensor->mut<float>();
      isa().outer({dz, in, target, groups, s.outputs, s.inputs, parts == nullptr && dw.add});
    }
    if (db) {
      float* target = parts != nullptr ? parts + block * part_stride + s.outputs * s.inputs : db.tensor->mut<float>();
      isa().feature_sums(dz, target, groups, s.outputs, parts == nullptr && db.add);
    }
    if (dx) {
      float* target = dx.tensor->mut<float>() + g * s.inputs * kLanes;
      isa().product({dz, w, nullptr, target, groups, s.inputs, s.outputs, 1, s.inputs, Act::none, 0, dx.add});
    }
  }
};

void lanes_backward(const Sizes& s, const Tensor& dy, const Tensor& x, const Tensor& w, const Tensor& y, Activation act,
                    Into dx, Into dw, Into db) {
  const std::int64_t weights = s.outputs * s.inputs, stride = weights + s.outputs;
  const bool split = s.blocks() > 1;
  Scratch<float> parts(split ? s.blocks() * stride : 0);
  const LanesBackward body{s,
                           dy.data<float>(),
                           x.data<float>(),
                           y.data<float>(),
                           w.data<float>(),
                           act,
                           dx,
                           dw,
                           db,
                           split ? parts.data() : nullptr,
                           stride};
  parallel_blocks(s.blocks(), body, s.parallel());
  if (!split) return;
  if (dw) add_parts(parts.data(), s.blocks(), stride, weights, dw.tensor->mut<float>(), dw.add);
  if (db) add_parts(parts.data() + weights, s.blocks(), stride, s.outputs, db.tensor->mut<float>(), db.add);
}

// ---- rows
// ------------------------------------------------------------------------------------------------------------

template <class T>
void rows_forward(const Sizes& s, const Tensor& x, const Tensor& w, const Tensor& b, const Tensor& y) {
  const T* in = x.data<T>();
  const T* weight = w.data<T>();
  T* out = y.mut<T>();
  parallel_blocks(
      s.blocks(),
      [&](std::int64_t block) {
        const std::int64_t first = block * kBlockRows, rows = s.rows_of(block);
        if (b.defined())
          for (std::int64_t r = first; r < first + rows; ++r) std::copy_n(b.data<T>(), s.outputs, out + r * s.outputs);
        gemm({rows, s.outputs, s.inputs, s.inputs, s.inputs, s.outputs, false, true, b.defined()},
             in + first * s.inputs, weight, out + first * s.outputs);
      },
      s.parallel());
}

/// Sums over the batch run block after block, each added to the target in order.
template <class T>
void rows_backward(const Sizes& s, const Tensor& dz, const Tensor& x, const Tensor& w, Into dx, Into dw, Into db) {
  const T* d = dz.data<T>();
  for (std::int64_t block = 0; block < s.blocks(); ++block) {
    const std::int64_t first = block * kBlockRows, rows = s.rows_of(block);
    const T* part = d + first * s.outputs;
    if (dw)
      gemm({s.outputs, s.inputs, rows, s.outputs, s.inputs, s.inputs, true, false, dw.add || block > 0}, part,
           x.data<T>() + first * s.inputs, dw.tensor->mut<T>());
    if (db) {
      T* sums = db.tensor->mut<T>();
      if (block == 0 && !db.add) std::fill_n(sums, s.outputs, T{});
      for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t o = 0; o < s.outputs; ++o) sums[o] += part[r * s.outputs + o];
    }
    if (dx)
      gemm({rows, s.inputs, s.outputs, s.outputs, s.inputs, s.inputs, false, false, dx.add}, part, w.data<T>(),
           dx.tensor->mut<T>() + first * s.inputs);
  }
}

}  // namespace

void linear(const Tensor& x, const Tensor& w, const Tensor& b, Activation act, const Tensor& y) {
  const Sizes s = sizes_of(x, w);
  if (x.layout() == Layout::lanes && x.dtype() == DType::f32) return lanes_forward(s, x, w, b, act, y);
  if (x.layout() == Layout::lanes) {  // other types have no lanes kernels: through rows
    const Tensor out = Tensor::empty({s.batch, s.outputs}, y.dtype());
    linear(x.to(Layout::rows), w, b, act, out);
    return copy_into(out.to(Layout::lanes), y);
  }
  if (x.dtype() == DType::f32)
    rows_forward<float>(s, x, w, b, y);
  else
    rows_forward<double>(s, x, w, b, y);
  if (act.kind != Act::none) activate(y, act, y);
}

void linear_backward(const Tensor& dy, const Tensor& x, const Tensor& w, const Tensor& y, Activation act, Into dx,
                     Into dw, Into db) {
  const Sizes s = sizes_of(x, w);
  if (x.layout() == Layout::lanes && x.dtype() == DType::f32) return lanes_backward(s, dy, x, w, y, act, dx, dw, db);
  if (x.layout() == Layout::lanes) {
    const Tensor dx_rows = dx ? dx.tensor->to(Layout::rows) : Tensor();
    linear_backward(dy.to(Layout::rows), x.to(Layout::rows), w, y.to(Layout::rows), act,
                    dx ? Into{&dx_rows, dx.add} : Into{}, dw, db);
    if (dx) copy_into(dx_rows.to(Layout::lanes), *dx.tensor);
    return;
  }
  Tensor dz = dy;
  if (act.kind != Act::none) {
    dz = Tensor::empty(dy.shape(), dy.dtype());
    activate_backward(dy, y, y, act, {&dz, false});
  }
  if (x.dtype() == DType::f32)
    rows_backward<float>(s, dz, x, w, dx, dw, db);
  else
    rows_backward<double>(s, dz, x, w, dx, dw, db);
}

}  // namespace thimble::kernels
