#include "apps/fenet/train/session_step.h"

#include "core/base/error.h"

#include "nn/data/dataset.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace thimble::fenet {
namespace {

constexpr double kLargestFeature = 1e15;  // squares of this are still summed without trouble in single precision

/// dL/dprediction [B, D]; returns the loss.
double residuals(const Tensor& predicted, const Tensor& labels, std::vector<double>& d_predicted) {
  const std::vector<double> y = labels.to_vector();
  const double* p = predicted.data<double>();
  const double entries = static_cast<double>(y.size());
  d_predicted.resize(y.size());
  double sum = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double d = p[i] - y[i];
    sum += d * d;
    d_predicted[i] = 2 * d / entries;
  }
  return sum / entries;
}

/// dL/dU of one row from dL/dprediction of that row.
void through_decoder(const double* d_predicted, const linalg::LinearFit& fit, std::vector<double>& d_reduced) {
  const double* w = fit.coefficients.data<double>();
  std::fill(d_reduced.begin(), d_reduced.end(), 0.0);
  for (std::int64_t d = 0; d < fit.coefficients.size(0); ++d, w += d_reduced.size())
    for (std::size_t m = 0; m < d_reduced.size(); ++m) d_reduced[m] += d_predicted[d] * w[m];
}

/// dL/dZ of one row from dL/dU of that row.
void through_rotations(const std::vector<double>& d_reduced, const linalg::ChannelPls& pls, linalg::PlsApply apply,
                       double* d_out) {
  const double* r = pls.rotations.data<double>();
  const double* std = apply == linalg::PlsApply::standardized ? pls.std.data<double>() : nullptr;
  const auto components = static_cast<std::size_t>(pls.components);
  for (std::int64_t c = 0; c < pls.channels; ++c)
    for (std::int64_t n = 0; n < pls.features; ++n, r += components, ++d_out) {
      double sum = 0;
      for (std::size_t a = 0; a < components; ++a)
        sum += d_reduced[static_cast<std::size_t>(c) * components + a] * r[a];
      *d_out = std == nullptr ? sum : sum / std[c * pls.features + n];
    }
}

/// dL/dZ [B, M] of all rows.
Tensor gradient_of_reduction(const LossResult& head, const std::vector<double>& d_predicted, const LossKeys& keys,
                             const Shape& shape) {
  const std::int64_t rows = shape[0], columns = shape[1], axes = head.decoder.coefficients.size(0);
  const Tensor d = Tensor::empty(shape, DType::f64);
  std::vector<double> d_reduced(static_cast<std::size_t>(head.reduced.size(1)));
  for (std::int64_t row = 0; row < rows; ++row) {
    through_decoder(d_predicted.data() + row * axes, head.decoder, d_reduced);
    double* out = d.mut<double>() + row * columns;
    if (keys.pls.components > 0)
      through_rotations(d_reduced, head.pls, keys.apply, out);
    else
      std::copy(d_reduced.begin(), d_reduced.end(), out);
  }
  return d;
}

/// Backward of the normalisation over the rows: dx = s (dz - mean(dz) - z mean(dz z)), in place. T: type of z.
template <class T>
void through_normalisation(const Tensor& z, const ColumnStatistics& s, const Tensor& d) {
  const std::int64_t rows = z.size(0), columns = z.size(1);
  const T* at = z.data<T>();
  double* g = d.mut<double>();
  std::vector<double> sum(static_cast<std::size_t>(columns)), product(static_cast<std::size_t>(columns));
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t c = 0; c < columns; ++c) {
      const std::int64_t i = row * columns + c;
      sum[static_cast<std::size_t>(c)] += g[i];
      product[static_cast<std::size_t>(c)] += g[i] * double(at[i]);
    }
  const double n = static_cast<double>(rows);
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t c = 0; c < columns; ++c) {
      const auto k = static_cast<std::size_t>(c);
      const std::int64_t i = row * columns + c;
      g[i] = s.inverse_deviation[k] * (g[i] - sum[k] / n - double(at[i]) * product[k] / n);
    }
}

/// Adds a penalty of the taps to loss and gradient.
template <class T>
double penalise(const nn::Parameter& filter, const StepOptions& o) {
  const T* w = filter.value.data<T>();
  T* g = filter.grad.mut<T>();
  double sum = 0;
  for (std::int64_t i = 0; i < filter.value.numel(); ++i) {
    const double value = double(w[i]), over = std::max(0.0, std::fabs(value) - o.range_limit);
    sum += o.weight_penalty * value * value + o.range_penalty * over * over;
    g[i] += static_cast<T>(2 * o.weight_penalty * value + 2 * o.range_penalty * std::copysign(over, value));
  }
  return sum;
}

/// Row numbers in random order (Fisher and Yates).
nn::Rows shuffled_rows(std::int64_t count, const Stream& stream, std::uint64_t step) {
  nn::Rows rows = nn::all_rows(count);
  for (std::size_t i = rows.size(); i > 1; --i) std::swap(rows[i - 1], rows[stream.below(i, step, i)]);
  return rows;
}

/// Copies of some segments.
std::shared_ptr<const SegmentSource> pick_segments(const SegmentSource& segments, const nn::Rows& rows) {
  const auto count = static_cast<std::int64_t>(rows.size());
  const Tensor x = Tensor::empty({count, segments.channels(), segments.samples()});
  for (std::int64_t i = 0; i < count; ++i) segments.read(rows[static_cast<std::size_t>(i)], x.rows(i, 1));
  return in_memory(x);
}

}  // namespace

void check_features(const Tensor& x, const std::string& where) {
  const std::vector<double> values = x.to_vector();
  const bool good = std::all_of(values.begin(), values.end(), [](double v) { return std::fabs(v) <= kLargestFeature; });
  if (!good)
    throw Error(ErrorKind::failed, where + ": the features are no longer finite numbers of a sensible size", {},
                "a lower learning rate, optim.lr, or model.normalize_at_end=true");
}

LossResult decoder_loss(const Tensor& features, std::int64_t channels, const Tensor& labels, const LossKeys& keys) {
  LossResult out;
  Tensor z = features;
  if (keys.normalise) {
    out.statistics = column_statistics(features);
    z = normalise_columns(features, out.statistics);
  }
  out.reduced = z;
  if (keys.pls.components > 0) {
    out.pls = linalg::fit_channel_pls(z, channels, labels, keys.pls);
    out.reduced = linalg::reduce(out.pls, z, keys.apply);
  }
  out.decoder = linalg::fit_linear(out.reduced, labels);
  std::vector<double> d_predicted;
  out.loss = residuals(linalg::predict(out.decoder, out.reduced), labels, d_predicted);
  const Tensor d = gradient_of_reduction(out, d_predicted, keys, z.shape());
  if (keys.normalise) {
    if (z.dtype() == DType::f64)
      through_normalisation<double>(z, out.statistics, d);
    else
      through_normalisation<float>(z, out.statistics, d);
  }
  out.d_features = d.to(features.dtype());
  return out;
}

LossResult fixed_loss(const LossResult& fitted, const Tensor& features, const Tensor& labels, const LossKeys& keys) {
  LossResult out = fitted;
  const Tensor z = keys.normalise ? normalise_columns(features, fitted.statistics) : features;
  out.reduced = keys.pls.components > 0 ? linalg::reduce(fitted.pls, z, keys.apply) : z;
  std::vector<double> d_predicted;
  out.loss = residuals(linalg::predict(fitted.decoder, out.reduced), labels, d_predicted);
  const Tensor d = gradient_of_reduction(out, d_predicted, keys, z.shape());
  if (keys.normalise) {
    const auto columns = static_cast<std::size_t>(z.size(1));
    for (std::int64_t i = 0; i < d.numel(); ++i)
      d.mut<double>()[i] *= fitted.statistics.inverse_deviation[static_cast<std::size_t>(i) % columns];
  }
  out.d_features = d.to(features.dtype());
  return out;
}

std::int64_t aligned_block_segments(std::int64_t channels, std::int64_t samples) {
  const std::int64_t whole = kernels::kWaveletBlock / std::gcd(kernels::kWaveletBlock, channels);
  return std::max<std::int64_t>(1, block_segments(channels, samples) / whole) * whole;
}

SessionStep::SessionStep(StepOptions options, std::vector<nn::Parameter*> filters)
    : options_(std::move(options)), filters_(std::move(filters)) {
  THIMBLE_CHECK(filters_.size() == 2 * options_.chain.levels.size(), shape, filters_.size(), " filters for ",
                options_.chain.levels.size(), " levels");
}

std::vector<Tensor> SessionStep::weights() const {
  std::vector<Tensor> out;  // asked anew each time: an optimiser moves the parameters into storage of its own
  for (const nn::Parameter* filter : filters_) out.push_back(filter->value);
  return on_grid(std::move(out), options_.grid);
}

kernels::WaveletDropout SessionStep::dropout(std::uint64_t number, std::int64_t first_window) const {
  return {options_.dropout, options_.random, number, first_window};
}

Tensor SessionStep::features(const SegmentSource& segments, std::uint64_t number) const {
  const std::int64_t channels = segments.channels(), features = options_.chain.features();
  const Tensor out = Tensor::empty({segments.segments(), channels * features}, dtype());
  const std::int64_t size = aligned_block_segments(channels, segments.samples());
  for_each_block(segments, size, [&](std::int64_t first, const Tensor& block) {
    const std::int64_t rows = block.size(0);
    kernels::wavelet_features(options_.chain, block.to(dtype()), weights(),
                              out.rows(first, rows).reshape({rows * channels, features}),
                              dropout(number, first * channels), options_.grid);
  });
  return out;
}

void SessionStep::gradient(const SegmentSource& segments, std::uint64_t number) {
  const std::int64_t channels = segments.channels(), features = options_.chain.features();
  const std::int64_t size = aligned_block_segments(channels, segments.samples());
  for_each_block(segments, size, [&](std::int64_t first, const Tensor& block) {
    std::vector<kernels::Into> into;
    for (const nn::Parameter* filter : filters_) into.push_back({&filter->grad, first > 0});
    const std::int64_t rows = block.size(0);
    kernels::wavelet_gradient(options_.chain, block.to(dtype()), weights(),
                              result_.d_features.rows(first, rows).reshape({rows * channels, features}),
                              dropout(number, first * channels), into, {}, options_.grid);
  });
}

double SessionStep::penalties() {
  if (options_.weight_penalty == 0 && options_.range_penalty == 0) return 0;
  double sum = 0;
  for (const nn::Parameter* filter : filters_)
    sum += dtype() == DType::f64 ? penalise<double>(*filter, options_) : penalise<float>(*filter, options_);
  return sum;
}

double SessionStep::operator()(const SegmentSource& segments, const Tensor& labels, std::uint64_t number) {
  const Tensor f = features(segments, number);
  check_features(f, text::cat("training: step ", number));
  result_ = decoder_loss(f, segments.channels(), labels, options_.loss);
  gradient(segments, number);
  return result_.loss + penalties();
}

double SessionStep::decoupled(const SegmentSource& segments, const Tensor& labels, std::uint64_t number,
                              std::int64_t batch, const std::function<void()>& update) {
  const LossResult fitted = decoder_loss(features(segments, number), segments.channels(), labels, options_.loss);
  const std::int64_t count = segments.segments();
  const nn::Rows order = shuffled_rows(count, options_.random.stream("rows"), number);
  double sum = 0;
  std::int64_t batches = 0;
  for (std::int64_t first = 0; first < count; first += batch, ++batches) {
    const auto begin = order.begin() + first;
    const nn::Rows rows(begin, begin + std::min(batch, count - first));
    const auto picked = pick_segments(segments, rows);
    const Tensor some = Tensor::empty({static_cast<std::int64_t>(rows.size()), labels.size(1)}, labels.dtype());
    nn::gather_rows(labels, rows, some);
    const std::uint64_t address = (number << 20U) + static_cast<std::uint64_t>(batches);
    result_ = fixed_loss(fitted, features(*picked, address), some, options_.loss);
    THIMBLE_CHECK(std::isfinite(result_.loss), failed, "training: step ", number, ": the loss is not finite");
    gradient(*picked, address);
    sum += result_.loss + penalties();
    update();
  }
  return sum / static_cast<double>(batches);
}

}  // namespace thimble::fenet
