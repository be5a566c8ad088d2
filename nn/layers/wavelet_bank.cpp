#include "nn/layers/wavelet_bank.h"

#include "core/base/error.h"

#include "autograd/ops/quant.h"
#include "autograd/ops/shape.h"

#include "nn/layers/linear.h"

#include <limits>

namespace thimble::nn {
namespace {

int small(std::int64_t value, const char* field) {
  THIMBLE_CHECK(value >= 0 && value <= std::numeric_limits<std::int16_t>::max(), value, "wavelet bank: ", field, " is ",
                value);
  return static_cast<int>(value);
}

/// The chain rounds as the chip does and in no other way.
void check_modes(const fixed::Quantiser& q, fixed::Overflow wanted, const char* what) {
  fixed::check(q.type, what);
  THIMBLE_CHECK(q.type.s && q.channel_f.empty() && q.round == fixed::Round::rnd_conv && q.overflow == wanted, value,
                "wavelet bank: ", what, " is ", q.str(), ", wanted a signed type with RND_CONV,", fixed::name(wanted));
}

}  // namespace

const char* name_of(kernels::WaveletPool pool) {
  return pool == kernels::WaveletPool::mean ? "mean" : "bitshift";
}

kernels::WaveletPool wavelet_pool(const std::string& name) {
  THIMBLE_CHECK(name == "mean" || name == "bitshift", value, "pool '", text::printable(name),
                "' is neither mean nor bitshift");
  return name == "mean" ? kernels::WaveletPool::mean : kernels::WaveletPool::bitshift;
}

kernels::WaveletChain WaveletBank::chain() const {
  THIMBLE_CHECK(strides.size() == taps.size() && relu_powers.size() == taps.size() && features.size() == taps.size(),
                value, "wavelet bank: ", taps.size(), " taps, ", strides.size(), " strides, ", relu_powers.size(),
                " relu powers and ", features.size(), " features");
  kernels::WaveletChain chain;
  chain.pool = pool;
  for (std::size_t l = 0; l < taps.size(); ++l)
    chain.levels.push_back({small(taps[l], "taps"), small(strides[l], "strides"), small(relu_powers[l], "relu_powers"),
                            small(features[l], "features")});
  chain.check();
  return chain;
}

void WaveletBank::make(DType dtype) {
  WaveletSettings settings{chain(), dropout, {}};
  THIMBLE_CHECK(dropout >= 0 && dropout < 1, value, "wavelet bank: dropout is ", dropout, ", it must lie in [0, 1)");
  THIMBLE_CHECK(weight_format.has_value() == activation_format.has_value(), value,
                "wavelet bank: formats of weights and activations come together");
  if (weight_format) {
    check_modes(*weight_format, fixed::Overflow::sat, "weight_format");
    check_modes(*activation_format, fixed::Overflow::sat_sym, "activation_format");
    settings.grid = {true, false, weight_format->type, activation_format->type};
  }
  settings_ = std::make_shared<const WaveletSettings>(std::move(settings));
  filters.clear();
  for (const std::int64_t n : taps)
    filters.push_back({Parameter(Shape{n}, {Axis::tap}, dtype), Parameter(Shape{n}, {Axis::tap}, dtype)});
}

Var WaveletBank::operator()(const Var& x, const Pass& pass) const {
  THIMBLE_CHECK(settings_ && settings_->grid.on == weight_format.has_value() && settings_->dropout == dropout, value,
                "wavelet bank: settings were changed without make()");
  std::vector<Var> parts;
  for (const Filters& level : filters) {
    parts.push_back(as_var(level.feat));
    parts.push_back(as_var(level.pass));
  }
  Var all = concat(parts), in = x;
  if (weight_format) {
    all = fake_quant(all, *weight_format);
    in = fake_quant(x, *activation_format);
  }
  const Var y = wavelet_features(in, all, *settings_, pass.random, pass.training() ? &pass.state->step : nullptr);
  return x.shape().rank() < 3 ? y : reshape(y, {x.size(0), y.value().numel() / std::max<std::int64_t>(1, x.size(0))});
}

Shape WaveletBank::output_shape(const Shape& sample) const {
  THIMBLE_CHECK((sample.rank() == 1 || sample.rank() == 2) && sample[-1] >= 1, shape, "wavelet_bank: a sample is ",
                sample, ", wanted [T] or [C, T]");
  return Shape{chain().features() * (sample.rank() == 2 ? sample[0] : 1)};
}

std::int64_t WaveletBank::macs(const Shape& sample) const {
  return chain().macs(sample[-1]) * (sample.rank() == 2 ? sample[0] : 1);
}

std::vector<Tensor> WaveletBank::weights() const {
  std::vector<Tensor> all;
  for (const Filters& level : filters) {
    all.push_back(level.feat.value);
    all.push_back(level.pass.value);
  }
  return all;
}

}  // namespace thimble::nn
