#pragma once
// Start values of parameters, exactly as the original programs draw them. Every parameter has a random stream of its
// own, named by its path, so that adding a layer does not change the start of another.

#include "core/random/philox.h"

#include "nn/parameter.h"

#include <string>
#include <variant>

namespace thimble::nn {

/// U(-1/sqrt(fan_in), 1/sqrt(fan_in)) for weight and bias (the default of PyTorch's Linear and Conv).
struct UniformFanIn {};
/// Weight U(+-gain*sqrt(6/(fan_in+fan_out))), bias 0. Glorot and Bengio, AISTATS 2010.
struct XavierUniform {
  double gain = 1;
};
/// Weight normal with sigma = sqrt(2/fan_in)/0.87962566, truncated at 2 sigma and clipped to +-limit; bias 0 (Keras
/// `he_normal` with QKeras' clip). He et al., ICCV 2015.
struct HeTruncated {
  double limit = 1;
};
/// U(-a, a) for weight and bias.
struct UniformRange {
  double a = 0.1;
};
struct ConstantValue {
  double value = 0;
};

using Init = std::variant<UniformFanIn, XavierUniform, HeTruncated, UniformRange, ConstantValue>;

/// "default" (uniform_fan_in), "xavier_uniform", "he_truncated", "fann_uniform_0.1" or "uniform(a)", "constant(v)".
/// Throws Error(config) with the known names.
Init parse_init(const std::string& text);

/// Inputs of one neuron: sizes along `in` and `tap`. A vector (bias) has none: 0.
std::int64_t fan_in(const Parameter& parameter);
/// Outputs that one input reaches: sizes along `out` and `tap`.
std::int64_t fan_out(const Parameter& parameter);

/// Draws `weight` and, if it is given, `bias`; both take the fans of the weight. Element i of a tensor is draw i of its
/// stream, so the result does not depend on the order in which layers are made.
void initialise(const Init& init, Parameter& weight, Parameter* bias, const Stream& stream);

}  // namespace thimble::nn
