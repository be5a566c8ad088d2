#include "core/kernels/optimizer.h"

#include "core/kernels/dispatch.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

namespace thimble::kernels {
namespace {

struct Corrections {
  double first, root;  // 1/(1-b1^t), 1/sqrt(1-b2^t)
  double eps;          // beside sqrt(v) * root
  Corrections(const Adam& rule, std::int64_t t)
      : first(1 / (1 - std::pow(rule.beta1, static_cast<double>(t)))),
        root(1 / std::sqrt(1 - std::pow(rule.beta2, static_cast<double>(t)))),
        // Keras adds eps to sqrt(v) itself: the same formula with eps carried through the correction.
        eps(rule.eps_form == EpsForm::torch ? rule.eps : rule.eps * root) {}
};

template <class T>
T factor(const float* factors, std::int64_t i) {
  return factors != nullptr ? static_cast<T>(factors[i]) : T{1};
}

template <class T>
void adam_element(T& value, T gradient, T& m, T& v, const Adam& rule, double rate, const Corrections& c) {
  double p = static_cast<double>(value), g = static_cast<double>(gradient);
  if (rule.decay == Decay::decoupled) p *= 1 - rate * rule.decay_rate;
  if (rule.decay == Decay::l2) g += rule.decay_rate * p;
  const double mk = rule.beta1 * static_cast<double>(m) + (1 - rule.beta1) * g;
  const double vk = rule.beta2 * static_cast<double>(v) + (1 - rule.beta2) * g * g;
  m = static_cast<T>(mk);
  v = static_cast<T>(vk);
  value = static_cast<T>(p - rate * c.first * mk / (std::sqrt(vk) * c.root + c.eps));
}

}  // namespace

template <class T>
void adam_step(T* value, const T* grad, T* m, T* v, std::int64_t n, const Adam& rule, double learning_rate,
               std::int64_t step, const PerElement& per) {
  const Corrections common(rule, step);
  std::int64_t done = 0;
  if constexpr (std::is_same_v<T, float>) {
    if (per.steps == nullptr && per.rate == nullptr && per.gradient == nullptr) {
      done = n / 16 * 16;
      const auto f = [](double x) { return static_cast<float>(x); };
      const double l2 = rule.decay == Decay::l2 ? rule.decay_rate : 0;
      const double decoupled = rule.decay == Decay::decoupled ? learning_rate * rule.decay_rate : 0;
      isa().adam(value, grad, m, v, done,
                 {f(rule.beta1), f(rule.beta2), f(common.eps), f(learning_rate), f(l2), f(decoupled), f(common.first),
                  f(common.root)});
    }
  }
  for (std::int64_t i = done; i < n; ++i) {
    const double rate = learning_rate * factor<double>(per.rate, i);
    const T g = grad[i] * factor<T>(per.gradient, i);
    adam_element(value[i], g, m[i], v[i], rule, rate, per.steps != nullptr ? Corrections(rule, per.steps[i]) : common);
  }
}

template <class T>
void sgd_step(T* value, const T* grad, T* buffer, std::int64_t n, double momentum, double learning_rate, bool first,
              const PerElement& per) {
  const T keep = static_cast<T>(first ? 0 : momentum), rate = static_cast<T>(learning_rate);
  for (std::int64_t i = 0; i < n; ++i) {
    buffer[i] = keep * (first ? T{0} : buffer[i]) + grad[i] * factor<T>(per.gradient, i);
    value[i] -= rate * factor<T>(per.rate, i) * buffer[i];
  }
}

template <class T>
void rprop_step(T* value, const T* grad, T* previous, T* delta, std::int64_t n, const Rprop& rule,
                const PerElement& per) {
  for (std::int64_t i = 0; i < n; ++i) {
    T g = grad[i] * factor<T>(per.gradient, i);
    const T turn = g * previous[i];
    const double wish = static_cast<double>(delta[i]) * (turn > 0 ? rule.grow : turn < 0 ? rule.shrink : 1);
    delta[i] = static_cast<T>(std::clamp(wish, rule.smallest, rule.largest));
    if (turn < 0) g = 0;
    const T sign = static_cast<T>((g > 0) - (g < 0));
    value[i] -= sign * delta[i] * factor<T>(per.rate, i);
    previous[i] = g;
  }
}

#define THIMBLE_INSTANTIATE(T)                                                                        \
  template void adam_step<T>(T*, const T*, T*, T*, std::int64_t, const Adam&, double, std::int64_t,   \
                             const PerElement&);                                                      \
  template void sgd_step<T>(T*, const T*, T*, std::int64_t, double, double, bool, const PerElement&); \
  template void rprop_step<T>(T*, const T*, T*, T*, std::int64_t, const Rprop&, const PerElement&);
THIMBLE_INSTANTIATE(float)
THIMBLE_INSTANTIATE(double)
#undef THIMBLE_INSTANTIATE

}  // namespace thimble::kernels
