#include "apps/fenet/decode/quantised.h"

#include "core/base/error.h"
#include "core/fixed/convert.h"

#include "apps/fenet/decode/decoder.h"

namespace thimble::fenet {

std::string quantiser_fault(const std::string& text) {
  if (text.empty()) return "";
  try {
    fixed::parse_quantiser(text);
  } catch (const Error& error) {
    return error.message();
  }
  return text.front() == '(' ? "" : "expected a pair of word length and fraction length such as (9,6)";
}

Tensor quantised(const Tensor& x, const std::string& format) {
  if (format.empty()) return x;
  const fixed::Quantiser quantiser = fixed::parse_quantiser(format);
  const Tensor wide = x.to(DType::f64), out = Tensor::empty(x.shape(), DType::f64);
  const auto count = static_cast<std::size_t>(x.numel());
  std::vector<std::int64_t> raw(count);
  fixed::quantise(std::span<const double>(wide.data<double>(), count), quantiser, raw);
  for (std::size_t i = 0; i < count; ++i) out.mut<double>()[i] = quantiser.type.value(raw[i]);
  return out;
}

linalg::LinearFit quantised(const linalg::LinearFit& fit, const std::string& format) {
  return {quantised(fit.coefficients, format), quantised(fit.intercept, format)};
}

}  // namespace thimble::fenet
