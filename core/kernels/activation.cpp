#include "core/kernels/activation.h"

#include "core/base/error.h"

#include <array>
#include <cmath>
#include <utility>

namespace thimble {
namespace {

constexpr double kSeluScale = 1.0507009873554805, kSeluAlpha = 1.6732632423543772;

constexpr std::array<std::pair<Act, const char*>, 9> kNames{{{Act::none, "none"},
                                                             {Act::tanh, "tanh"},
                                                             {Act::tanh_half, "tanh/2"},
                                                             {Act::softsign, "softsign"},
                                                             {Act::relu, "relu"},
                                                             {Act::sigmoid, "sigmoid"},
                                                             {Act::leaky_relu, "leaky_relu"},
                                                             {Act::selu, "selu"},
                                                             {Act::hard_sigmoid, "hard_sigmoid"}}};

}  // namespace

std::string name_of(Act act) {
  for (const auto& [kind, name] : kNames)
    if (kind == act) return name;
  return "?";
}

Act act_from_name(std::string_view name) {
  std::vector<std::string> known;
  for (const auto& entry : kNames) {
    if (name == entry.second) return entry.first;
    known.emplace_back(entry.second);
  }
  const std::string near = text::nearest(name, known);
  throw Error(ErrorKind::value, text::cat("unknown activation '", text::printable(name), "'"), {},
              near.empty() ? "known are " + text::join(known, ", ") : "did you mean '" + near + "'?");
}

namespace kernels {

double activate(Activation act, double x) {
  switch (act.kind) {
    case Act::none:
      return x;
    case Act::tanh:
      return std::tanh(x);
    case Act::tanh_half:
      return std::tanh(x / 2);
    case Act::softsign:
      return x / (1 + std::abs(x));
    case Act::relu:
      return x > 0 ? x : x * 0;  // x * 0 keeps a NaN
    case Act::sigmoid:
      return 1 / (1 + std::exp(-x));
    case Act::leaky_relu:
      return x > 0 ? x : act.slope * x;
    case Act::selu:
      return x > 0 ? kSeluScale * x : kSeluScale * kSeluAlpha * std::expm1(x);
    case Act::hard_sigmoid:
      return x <= -1 ? 0 : x >= 1 ? 1 : x / 2 + 0.5;
  }
  return x;
}

double activate_gradient(Activation act, double x, double y) {
  switch (act.kind) {
    case Act::none:
      return 1;
    case Act::tanh:
      return 1 - y * y;
    case Act::tanh_half:
      return (1 - y * y) / 2;
    case Act::softsign:
      return (1 - std::abs(y)) * (1 - std::abs(y));
    case Act::relu:
      return y > 0 ? 1 : 0;
    case Act::sigmoid:
      return y * (1 - y);
    case Act::leaky_relu:
      return x > 0 ? 1 : act.slope;
    case Act::selu:
      return y > 0 ? kSeluScale : y + kSeluScale * kSeluAlpha;
    case Act::hard_sigmoid:
      return y > 0 && y < 1 ? 0.5 : 0;
  }
  return 1;
}

}  // namespace kernels
}  // namespace thimble
