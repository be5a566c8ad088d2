#include "core/kernels/batch_norm.h"

#include "core/base/error.h"
#include "core/kernels/index.h"
#include "core/parallel/blocks.h"

#include <cmath>

namespace thimble::kernels {
namespace {

/// Channels of x and the positions inside one sample that belong to a channel.
struct Channels {
  Samples samples;
  std::int64_t count, inner;
  explicit Channels(const Tensor& x) : samples(x), count(x.size(1)), inner(x.shape().numel_from(2)) {}
  double elements() const { return static_cast<double>(samples.batch * inner); }

  /// body(channel) for all channels; each is summed by one thread in sample order.
  template <class F>
  void each(const F& body) const {
    parallel_blocks(count, body, samples.batch * samples.features * 4 >= kParallelWork);
  }
  /// body(index) for every element of channel c, in sample order.
  template <class F>
  void visit(std::int64_t c, const F& body) const {
    for (std::int64_t b = 0; b < samples.batch; ++b)
      for (std::int64_t i = 0; i < inner; ++i) body(samples.at(b, c * inner + i));
  }
};

template <class T>
void forward(const Tensor& x, const Tensor& gamma, const Tensor& beta, const Tensor& running_mean,
             const Tensor& running_var, const BatchNormArgs& a, const Tensor& y, const Tensor& mean,
             const Tensor& inv_std) {
  const Channels channels(x);
  const T* in = x.data<T>();
  T* out = y.mut<T>();
  if (x.layout() == Layout::lanes) std::fill_n(out, y.stored(), T{});
  channels.each([&](std::int64_t c) {
    double m = 0, var = 0;
    if (a.training) {
      channels.visit(c, [&](std::int64_t i) { m += static_cast<double>(in[i]); });
      m /= channels.elements();
      channels.visit(c, [&](std::int64_t i) {
        const double d = static_cast<double>(in[i]) - m;
        var += d * d;
      });
      const double n = channels.elements();
      const double kept_var = var / (a.unbiased_running_var ? n - 1 : n);
      var /= n;
      T& old_mean = running_mean.mut<T>()[c];
      T& old_var = running_var.mut<T>()[c];
      old_mean = static_cast<T>((1 - a.share_of_new) * static_cast<double>(old_mean) + a.share_of_new * m);
      old_var = static_cast<T>((1 - a.share_of_new) * static_cast<double>(old_var) + a.share_of_new * kept_var);
    } else {
      m = static_cast<double>(running_mean.data<T>()[c]);
      var = static_cast<double>(running_var.data<T>()[c]);
    }
    const double inverse = 1 / std::sqrt(var + a.eps);
    mean.mut<double>()[c] = m;
    inv_std.mut<double>()[c] = inverse;
    const double g = gamma.defined() ? static_cast<double>(gamma.data<T>()[c]) : 1;
    const double b = beta.defined() ? static_cast<double>(beta.data<T>()[c]) : 0;
    channels.visit(
        c, [&](std::int64_t i) { out[i] = static_cast<T>((static_cast<double>(in[i]) - m) * inverse * g + b); });
  });
}

template <class T>
void add_or_set(Into into, std::int64_t c, double value) {
  if (!into) return;
  T& target = into.tensor->mut<T>()[c];
  target = static_cast<T>((into.add ? static_cast<double>(target) : 0.0) + value);
}

template <class T>
void backward(const Tensor& dy, const Tensor& x, const Tensor& gamma, const Tensor& mean, const Tensor& inv_std,
              const BatchNormArgs& a, Into dx, Into dgamma, Into dbeta) {
  const Channels channels(x);
  const T *d = dy.data<T>(), *in = x.data<T>();
  if (dx && !dx.add && x.layout() == Layout::lanes) std::fill_n(dx.tensor->mut<T>(), dx.tensor->stored(), T{});
  channels.each([&](std::int64_t c) {
    const double m = mean.data<double>()[c], inverse = inv_std.data<double>()[c];
    double sum = 0, dot = 0;
    channels.visit(c, [&](std::int64_t i) {
      sum += static_cast<double>(d[i]);
      dot += static_cast<double>(d[i]) * (static_cast<double>(in[i]) - m) * inverse;
    });
    add_or_set<T>(dgamma, c, dot);
    add_or_set<T>(dbeta, c, sum);
    if (!dx) return;
    const double g = gamma.defined() ? static_cast<double>(gamma.data<T>()[c]) : 1, n = channels.elements();
    T* out = dx.tensor->mut<T>();
    channels.visit(c, [&](std::int64_t i) {
      const double normal = (static_cast<double>(in[i]) - m) * inverse;
      const double centred =
          a.training ? static_cast<double>(d[i]) - sum / n - normal * dot / n : static_cast<double>(d[i]);
      const T value = static_cast<T>(g * inverse * centred);
      out[i] = dx.add ? out[i] + value : value;
    });
  });
}

}  // namespace

void batch_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, const Tensor& running_mean,
                const Tensor& running_var, const BatchNormArgs& args, const Tensor& y, const Tensor& mean,
                const Tensor& inv_std) {
  const auto run = x.dtype() == DType::f32 ? forward<float> : forward<double>;
  run(x, gamma, beta, running_mean, running_var, args, y, mean, inv_std);
}

void batch_norm_backward(const Tensor& dy, const Tensor& x, const Tensor& gamma, const Tensor& mean,
                         const Tensor& inv_std, const BatchNormArgs& args, Into dx, Into dgamma, Into dbeta) {
  const auto run = x.dtype() == DType::f32 ? backward<float> : backward<double>;
  run(dy, x, gamma, mean, inv_std, args, dx, dgamma, dbeta);
}

}  // namespace thimble::kernels
