#include "nn/optim/constraint.h"

#include <algorithm>

namespace thimble::nn {
namespace {

template <class T>
struct Apply {
  T* values;
  std::int64_t count;

  void operator()(const ClipValues& clip) const {
    const T lo = static_cast<T>(clip.lo), hi = static_cast<T>(clip.hi);
    for (std::int64_t i = 0; i < count; ++i) values[i] = std::clamp(values[i], lo, hi);
  }
  void operator()(const MaskValues& rule) const {
    const T* mask = rule.mask.data<T>();
    for (std::int64_t i = 0; i < count; ++i) values[i] = mask[i] == T{0} ? T{0} : values[i];
  }
  void operator()(const FreezeValues& rule) const { std::copy_n(rule.values.data<T>(), count, values); }
};

}  // namespace

void Constraint::apply() const {
  const Tensor& value = parameter->value;
  if (value.dtype() == DType::f64)
    std::visit(Apply<double>{value.mut<double>(), value.numel()}, rule);
  else
    std::visit(Apply<float>{value.mut<float>(), value.numel()}, rule);
}

Constraint freeze(Parameter& parameter) {
  return {&parameter, FreezeValues{parameter.value.clone()}};
}

}  // namespace thimble::nn
