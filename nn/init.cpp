#include "nn/init.h"

#include "core/base/error.h"

#include <algorithm>
#include <cmath>

namespace thimble::nn {
namespace {

constexpr double kTruncatedNormalSigma = 0.87962566103423978;  // of a standard normal cut at +-2

/// Fills with draw(index), rounded to the element type.
template <class Draw>
void fill(const Tensor& tensor, const Draw& draw) {
  const auto write = [&](auto* out) {
    using T = std::remove_pointer_t<decltype(out)>;
    for (std::int64_t i = 0; i < tensor.numel(); ++i) out[i] = static_cast<T>(draw(static_cast<std::uint64_t>(i)));
  };
  if (tensor.dtype() == DType::f64)
    write(tensor.mut<double>());
  else
    write(tensor.mut<float>());
}

void fill_uniform(const Tensor& tensor, double bound, const Stream& stream) {
  fill(tensor, [&](std::uint64_t i) { return bound * (2 * stream.uniform64(0, i) - 1); });
}

double truncated_normal(const Stream& stream, std::uint64_t index) {
  for (std::uint64_t attempt = 0;; ++attempt) {
    const double z = stream.normal(attempt, index);
    if (std::abs(z) <= 2) return z;
  }
}

struct Drawer {
  Parameter& weight;
  Parameter* bias;
  Stream weight_stream, bias_stream;

  void both_uniform(double bound) const {
    fill_uniform(weight.value, bound, weight_stream);
    if (bias) fill_uniform(bias->value, bound, bias_stream);
  }
  void zero_bias() const {
    if (bias) fill(bias->value, [](std::uint64_t) { return 0.0; });
  }

  void operator()(const UniformFanIn&) const { both_uniform(1 / std::sqrt(static_cast<double>(fan_in(weight)))); }
  void operator()(const UniformRange& range) const { both_uniform(range.a); }
  void operator()(const XavierUniform& xavier) const {
    const auto fans = static_cast<double>(fan_in(weight) + fan_out(weight));
    fill_uniform(weight.value, xavier.gain * std::sqrt(6 / fans), weight_stream);
    zero_bias();
  }
  void operator()(const HeTruncated& he) const {
    const double sigma = std::sqrt(2 / static_cast<double>(fan_in(weight))) / kTruncatedNormalSigma;
    fill(weight.value,
         [&](std::uint64_t i) { return std::clamp(sigma * truncated_normal(weight_stream, i), -he.limit, he.limit); });
    zero_bias();
  }
  void operator()(const ConstantValue& constant) const {
    fill(weight.value, [&](std::uint64_t) { return constant.value; });
    if (bias) fill(bias->value, [&](std::uint64_t) { return constant.value; });
  }
};

std::int64_t product_over(const Parameter& parameter, Axis role) {
  std::int64_t product = parameter.value.rank() > 1 ? 1 : 0;
  for (std::size_t i = 0; i < parameter.axes.size(); ++i)
    if (parameter.axes[i] == role || parameter.axes[i] == Axis::tap)
      product *= parameter.value.size(static_cast<int>(i));
  return product;
}

/// "uniform(0.1)" -> 0.1 if `text` starts with `name` and an opening bracket.
bool argument_of(const std::string& text, std::string_view name, double& value) {
  if (text.size() < name.size() + 3 || text.compare(0, name.size(), name) != 0) return false;
  if (text[name.size()] != '(' || text.back() != ')') return false;
  return text::parse(std::string_view(text).substr(name.size() + 1, text.size() - name.size() - 2), value);
}

}  // namespace

std::int64_t fan_in(const Parameter& parameter) {
  return product_over(parameter, Axis::in);
}

std::int64_t fan_out(const Parameter& parameter) {
  return product_over(parameter, Axis::out);
}

Init parse_init(const std::string& text) {
  double value = 0;
  if (text == "default" || text == "uniform_fan_in") return UniformFanIn{};
  if (text == "xavier_uniform" || text == "glorot_uniform") return XavierUniform{};
  if (text == "he_truncated") return HeTruncated{};
  if (text == "fann_uniform_0.1") return UniformRange{0.1};
  if (argument_of(text, "uniform", value)) return UniformRange{value};
  if (argument_of(text, "constant", value)) return ConstantValue{value};
  const std::vector<std::string> known{"default",          "xavier_uniform", "he_truncated",
                                       "fann_uniform_0.1", "uniform(a)",     "constant(v)"};
  const std::string near = text::nearest(text, known);
  throw Error(ErrorKind::config, text::cat("unknown initialisation '", text::printable(text), "'"), {},
              near.empty() ? "known: " + text::join(known, ", ") : "did you mean '" + near + "'?");
}

void initialise(const Init& init, Parameter& weight, Parameter* bias, const Stream& stream) {
  std::visit(Drawer{weight, bias, stream.stream("weight"), stream.stream("bias")}, init);
}

}  // namespace thimble::nn
