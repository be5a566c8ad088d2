#include "nn/layers/simple.h"

#include "core/base/error.h"

#include "autograd/ops/elementwise.h"
#include "autograd/ops/shape.h"

namespace thimble::nn {
namespace {

/// Calls f(row, feature, index in memory) for every stored element in either layout; padding lanes are rows behind the
/// last, so that they get numbers too and no NaN of old memory can spread from them.
template <class F>
void for_each_element(const Tensor& t, const F& f) {
  const bool lanes = t.layout() == Layout::lanes;
  const std::int64_t rows = lanes ? lane_groups(t.size(0)) * kLanes : t.size(0);
  const std::int64_t features = t.shape().numel_from(1);
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t feature = 0; feature < features; ++feature)
      f(row, feature, lanes ? (row / kLanes * features + feature) * kLanes + row % kLanes : row * features + feature);
}

struct Mask {
  double share;
  Stream stream;
  const StepState* state;

  /// y (=, +=) x * mask / (1 - share)
  template <class T>
  void apply(const Tensor& x, const Tensor& y, bool add) const {
    const T scale = static_cast<T>(1 / (1 - share));
    const T* from = x.data<T>();
    T* to = y.mut<T>();
    const std::int64_t features = x.shape().numel_from(1);
    for_each_element(x, [&](std::int64_t row, std::int64_t feature, std::int64_t at) {
      const auto draw = static_cast<std::uint64_t>(row * features + feature);
      const bool kept = static_cast<double>(stream.uniform(state->step, draw)) >= share;
      const T value = kept ? from[at] * scale : T{0};
      to[at] = add ? to[at] + value : value;
    });
  }
  void operator()(const Tensor& x, const Tensor& y, bool add) const {
    x.dtype() == DType::f64 ? apply<double>(x, y, add) : apply<float>(x, y, add);
  }
};

/// y[..., i] (=, +=) x[..., source(i)] for channels last, or back.
struct Reorder {
  std::int64_t channels, pixels;
  bool back;

  template <class T>
  void apply(const Tensor& x, const Tensor& y, bool add) const {
    const T* from = x.data<T>();
    T* to = y.mut<T>();
    const std::int64_t stride = x.layout() == Layout::lanes ? kLanes : 1;
    for_each_element(x, [&](std::int64_t, std::int64_t last, std::int64_t at) {  // `last` = pixel * channels + channel
      const std::int64_t first = last % channels * pixels + last / channels;     // channel * pixels + pixel
      const std::int64_t other = at + (first - last) * stride;
      const std::int64_t source = back ? at : other, target = back ? other : at;
      to[target] = add ? to[target] + from[source] : from[source];
    });
  }
  void operator()(const Tensor& x, const Tensor& y, bool add) const {
    x.dtype() == DType::f64 ? apply<double>(x, y, add) : apply<float>(x, y, add);
  }
};

}  // namespace

Var Activate::operator()(const Var& x, const Pass&) const {
  return activate(x, function);
}

void Dropout::make(DType) const {
  THIMBLE_CHECK(share >= 0 && share < 1, value, "dropout: share is ", share, ", it must lie in [0, 1)");
}

Var Dropout::operator()(const Var& x, const Pass& pass) const {
  if (!pass.training() || share == 0) return x;
  const Mask mask{share, pass.random, pass.state};
  return record(
      "dropout", {x}, {x.shape(), x.dtype(), x.layout()}, [mask](const Run& r) { mask(r.in(0), r.out(), false); },
      [mask](const Run& r) {
        if (const auto dx = r.d_in(0)) mask(r.d_out(), *dx.tensor, dx.add);
      });
}

Var Flatten::operator()(const Var& x, const Pass&) const {
  if (order == Order::chw || x.shape().rank() < 3) return flatten(x);
  const Shape flat{x.size(0), x.shape().numel_from(1)};
  const Reorder to_last{x.size(1), x.shape().numel_from(2), false}, back{to_last.channels, to_last.pixels, true};
  return record(
      "flatten", {x}, {flat, x.dtype(), x.layout()}, [to_last](const Run& r) { to_last(r.in(0), r.out(), false); },
      [back](const Run& r) {
        if (const auto dx = r.d_in(0)) back(r.d_out(), *dx.tensor, dx.add);
      });
}

}  // namespace thimble::nn
