#include "nn/layers/quantised.h"

#include "core/base/error.h"

#include "autograd/ops/quant.h"

#include <algorithm>
#include <cmath>

namespace thimble::nn {
namespace {

/// Largest magnitude of any channel of a format.
double largest(const fixed::Quantiser& q) {
  double bound = 0;
  for (std::size_t c = 0; c < std::max<std::size_t>(1, q.channel_f.size()); ++c) {
    const fixed::FxType type = q.channel(c);
    bound = std::max({bound, std::abs(type.value(type.lo())), type.value(type.hi())});
  }
  return bound;
}

}  // namespace

Var FakeQuant::operator()(const Var& x, const Pass&) const {
  return fake_quant(x, format);
}

void LookUp::make(DType) {
  fixed::check(out, "lut");
  THIMBLE_CHECK(!table.empty(), value, "lut: the table is empty");
  std::vector<std::int32_t> entries;
  for (const std::int64_t entry : table) {
    THIMBLE_CHECK(out.contains(entry) && out.w <= 31, value, "lut: the entry ", entry, " does not fit into ",
                  out.str());
    entries.push_back(static_cast<std::int32_t>(entry));
  }
  entries_ = Tensor::from(entries);
}

Var LookUp::operator()(const Var&, const Pass&) const {
  fail(ErrorKind::internal, "lut: run apart from its linear layer");
}

Var LookUp::after(const Linear& linear, const Var& x, double largest_input) const {
  kernels::LutSpec spec;
  spec.f_acc = f_acc;
  spec.has_window = window.has_value();
  if (window) {
    spec.window = window->type;
    spec.round = window->round;
    spec.overflow = window->overflow;
  }
  spec.drop = drop;
  spec.f_out = out.f;
  spec.real = real;
  const double bias = linear.has_bias ? largest(*linear.bias_format) : 0;
  const double bound = static_cast<double>(linear.in) * largest_input * largest(*linear.weight_format) + bias;
  return linear_lut(x, linear.quantised_weight(), linear.quantised_bias(), entries_, spec, bound);
}

}  // namespace thimble::nn
