#include "apps/fenet/train/session_step.h"

#include "core/base/error.h"
#include "core/kernels/columns.h"
#include "core/parallel/blocks.h"

#include "nn/data/dataset.h"

#include "apps/fenet/evaluate/protocol.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace thimble::fenet {
namespace {

constexpr double kLargestFeature = 1e15;  // squares of this are still summed without trouble in single precision
constexpr std::size_t kSpreadRows = 64;   // rows of the gradient that are one piece of work

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

/// From features as the decoder's side gets them straight to predictions: decoder times reduction, one row per axis.
struct Folded {
  std::vector<double> weights;  // [D, M]
  std::size_t columns;          // M

  std::size_t axes() const { return weights.size() / columns; }
};

/// [D, M] from the coefficients [D, C * A] and the rotations [C, N, A].
Folded folded(const LossResult& head, const LossKeys& keys) {
  const std::vector<double> coefficients = head.decoder.coefficients.to_vector();
  const auto axes = static_cast<std::size_t>(head.decoder.coefficients.size(0));
  if (head.pls.components == 0) return {coefficients, coefficients.size() / axes};
  const linalg::ChannelPls& pls = head.pls;
  const auto inputs = static_cast<std::size_t>(pls.features), outputs = static_cast<std::size_t>(pls.components);
  const std::size_t columns = static_cast<std::size_t>(pls.channels) * inputs;
  const bool divide = !keys.learned.defined() && keys.apply == linalg::PlsApply::standardized;
  const double* std = divide ? pls.std.data<double>() : nullptr;
  const double* r = pls.rotations.data<double>();
  Folded out{std::vector<double>(axes * columns, 0.0), columns};
  for (std::size_t d = 0; d < axes; ++d) {
    const double* w = coefficients.data() + d * static_cast<std::size_t>(pls.channels) * outputs;
    for (std::size_t j = 0; j < columns; ++j) {
      double& sum = out.weights[d * columns + j];
      for (std::size_t a = 0; a < outputs; ++a) sum += w[j / inputs * outputs + a] * r[j * outputs + a];
      if (std != nullptr) sum /= std[j];
    }
  }
  return out;
}

/// What the gradient of normalised features has besides the folded weights: d = ... - offset - z slope, per column.
struct Centring {
  std::vector<double> offset, slope;  // empty: none
};

/// The normalisation over the rows is differentiated too: dx = s (dz - mean(dz) - z mean(dz z)). Here the weights take
/// the factor s, and both means follow from the folded weights. T: type of z.
template <class T>
Centring through_normalisation(const Tensor& z, const ColumnStatistics& s, const std::vector<double>& d_predicted,
                               Folded& map) {
  const std::size_t axes = map.axes(), columns = map.columns;
  const auto rows = z.size(0);
  const std::vector<T> d(d_predicted.begin(), d_predicted.end());
  std::vector<double> sums(columns), squares(columns), with_d(axes * columns), d_sums(axes);
  kernels::column_products(kernels::TallMatrix<T>{z.data<T>(), rows, z.size(1), z.size(1)},
                           {d.data(), static_cast<std::int64_t>(axes), 1, sums.data(), squares.data(), with_d.data()});
  for (std::size_t i = 0; i < d_predicted.size(); ++i) d_sums[i % axes] += d_predicted[i];
  Centring out{std::vector<double>(columns), std::vector<double>(columns)};
  for (std::size_t k = 0; k < axes * columns; ++k) {
    const std::size_t j = k % columns;
    map.weights[k] *= s.inverse_deviation[j];
    out.offset[j] += map.weights[k] * d_sums[k / columns] / static_cast<double>(rows);
    out.slope[j] += map.weights[k] * with_d[k] / static_cast<double>(rows);
  }
  return out;
}

/// dL/dfeatures [B, M] from dL/dprediction [B, D], in the type of z, a row at a time.
template <class T>
Tensor spread(const Tensor& z, const std::vector<double>& d_predicted, const Folded& map, const Centring& centring) {
  const std::size_t columns = map.columns, axes = map.axes();
  const std::vector<T> weights(map.weights.begin(), map.weights.end()), d(d_predicted.begin(), d_predicted.end()),
      offset(centring.offset.begin(), centring.offset.end()), slope(centring.slope.begin(), centring.slope.end());
  const Tensor out = Tensor::empty(z.shape(), z.dtype());
  const T* in = z.data<T>();
  T* to = out.mut<T>();
  const auto rows = static_cast<std::size_t>(z.size(0));
  parallel_blocks(static_cast<std::int64_t>((rows + kSpreadRows - 1) / kSpreadRows), [&](std::int64_t block) {
    const std::size_t first = static_cast<std::size_t>(block) * kSpreadRows;
    for (std::size_t row = first; row < std::min(rows, first + kSpreadRows); ++row) {
      T* g = to + row * columns;
      const T* at = in + row * columns;
      if (slope.empty())
        std::fill_n(g, columns, T(0));
      else
        for (std::size_t j = 0; j < columns; ++j) g[j] = -offset[j] - at[j] * slope[j];
      for (std::size_t k = 0; k < axes; ++k) {
        const T* w = weights.data() + k * columns;
        const T factor = d[row * axes + k];
        for (std::size_t j = 0; j < columns; ++j) g[j] += factor * w[j];
      }
    }
  });
  return out;
}

/// Reduction and what it makes of normalised features z.
void reduce_features(const Tensor& z, const LossKeys& keys, LossResult& out) {
  const bool learned = keys.learned.defined();
  out.reduced = out.pls.components == 0 ? z : linalg::reduce(out.pls, z, learned ? linalg::PlsApply::raw : keys.apply);
}

/// Gradient of the learned map from sums of dL/dprediction times z, [D, M]: the decoder stands between them.
template <class T>
Tensor through_reduction(const Tensor& z, const std::vector<double>& d_predicted, const LossResult& head,
                         const Tensor& learned) {
  const linalg::ChannelPls& pls = head.pls;
  const std::int64_t columns = z.size(1), axes = head.decoder.coefficients.size(0), outputs = pls.components;
  const std::vector<T> d(d_predicted.begin(), d_predicted.end());
  const auto wide = static_cast<std::size_t>(columns);
  std::vector<double> sums(wide), squares(wide), with_d(wide * static_cast<std::size_t>(axes));
  kernels::column_products(kernels::TallMatrix<T>{z.data<T>(), z.size(0), columns, columns},
                           {d.data(), axes, 1, sums.data(), squares.data(), with_d.data()});
  const Tensor out = Tensor::zeros(learned.shape(), DType::f64);
  const double* w = head.decoder.coefficients.data<double>();
  for (std::int64_t j = 0; j < columns; ++j)
    for (std::int64_t a = 0; a < outputs; ++a)
      for (std::int64_t k = 0; k < axes; ++k) {
        const std::int64_t channel = j / pls.features;
        out.mut<double>()[(j * outputs + a) % out.numel()] +=
            with_d[static_cast<std::size_t>(k * columns + j)] * w[(k * pls.channels + channel) * outputs + a];
      }
  return out;
}

/// Predictions, loss and gradient behind normalised features z, with all that is fitted in `out`. `moving`: the
/// statistics of the normalisation follow from z; else they are constants.
template <class T>
void finish_loss(const Tensor& z, const Tensor& labels, const LossKeys& keys, bool moving, LossResult& out) {
  std::vector<double> d_predicted;
  out.predicted = linalg::predict(out.decoder, out.reduced);
  out.loss = residuals(out.predicted, labels, d_predicted);
  if (keys.learned.defined()) out.d_learned = through_reduction<T>(z, d_predicted, out, keys.learned);
  Folded map = folded(out, keys);
  Centring centring;
  if (keys.normalise && moving) {
    centring = through_normalisation<T>(z, out.statistics, d_predicted, map);
  } else if (keys.normalise) {
    for (std::size_t k = 0; k < map.weights.size(); ++k)
      map.weights[k] *= out.statistics.inverse_deviation[k % map.columns];
  }
  out.d_features = spread<T>(z, d_predicted, map, centring);
}

void finish_loss_of(const Tensor& z, const Tensor& labels, const LossKeys& keys, bool moving, LossResult& out) {
  if (z.dtype() == DType::f64)
    finish_loss<double>(z, labels, keys, moving, out);
  else
    finish_loss<float>(z, labels, keys, moving, out);
}

template <class T>
bool sensible(const Tensor& x) {
  const T* v = x.data<T>();
  const std::int64_t count = x.numel(), size = 1 << 16;
  std::vector<char> good(static_cast<std::size_t>((count + size - 1) / size), 1);
  parallel_blocks(static_cast<std::int64_t>(good.size()), [&](std::int64_t block) {
    bool all = true;
    for (std::int64_t i = block * size; i < std::min(count, (block + 1) * size); ++i)
      all &= std::fabs(v[i]) <= static_cast<T>(kLargestFeature);
    good[static_cast<std::size_t>(block)] = all ? 1 : 0;
  });
  return std::all_of(good.begin(), good.end(), [](char g) { return g != 0; });
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
  const bool good = x.dtype() == DType::f64 ? sensible<double>(x) : sensible<float>(x);
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
  if (keys.learned.defined())
    out.pls = learned_reduction(keys.learned, channels, z.size(1) / channels);
  else if (keys.pls.components > 0)
    out.pls = linalg::fit_channel_pls(z, channels, labels, keys.pls);
  reduce_features(z, keys, out);
  out.decoder = linalg::fit_linear(out.reduced, labels);
  finish_loss_of(z, labels, keys, true, out);
  return out;
}

LossResult fixed_loss(const LossResult& fitted, const Tensor& features, const Tensor& labels, const LossKeys& keys) {
  LossResult out = fitted;
  const Tensor z = keys.normalise ? normalise_columns(features, fitted.statistics) : features;
  if (keys.learned.defined()) out.pls = learned_reduction(keys.learned, fitted.pls.channels, fitted.pls.features);
  reduce_features(z, keys, out);
  finish_loss_of(z, labels, keys, false, out);
  return out;
}

std::int64_t aligned_block_segments(std::int64_t channels, std::int64_t samples) {
  const std::int64_t whole = kernels::kWaveletBlock / std::gcd(kernels::kWaveletBlock, channels);
  return std::max<std::int64_t>(1, block_segments(channels, samples) / whole) * whole;
}

SessionStep::SessionStep(StepOptions options, std::vector<nn::Parameter*> filters, nn::Parameter* reduction)
    : options_(std::move(options)), filters_(std::move(filters)), reduction_(reduction) {
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

Tensor SessionStep::features(const SegmentSource& segments, std::uint64_t number,
                             kernels::WaveletMemory* memory) const {
  const std::int64_t channels = segments.channels(), features = options_.chain.features();
  const Tensor out = Tensor::empty({segments.segments(), channels * features}, dtype());
  const std::int64_t size = aligned_block_segments(channels, segments.samples());
  for_each_block(segments, size, [&](std::int64_t first, const Tensor& block) {
    const std::int64_t rows = block.size(0);
    kernels::wavelet_features(options_.chain, block.to(dtype()), weights(),
                              out.rows(first, rows).reshape({rows * channels, features}),
                              dropout(number, first * channels), options_.grid, memory);
  });
  return out;
}

Tensor SessionStep::features_to_train(const SegmentSource& segments, std::uint64_t number) {
  const std::int64_t samples = segments.samples(), windows = segments.segments() * segments.channels();
  const bool keeps =
      segments.resident() != nullptr && kernels::WaveletMemory::bytes(options_.chain, samples, windows) <= kKeptBytes;
  if (!keeps) memory_.forget();
  return features(segments, number, keeps ? &memory_ : nullptr);
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
                              dropout(number, first * channels), into, {}, options_.grid, &memory_);
  });
  if (reduction_ != nullptr) copy_into(result_.d_learned.to(reduction_->grad.dtype()), reduction_->grad);
}

LossKeys SessionStep::loss_keys() const {
  LossKeys keys = options_.loss;
  if (reduction_ != nullptr) keys.learned = reduction_->value;
  return keys;
}

double SessionStep::penalties() {
  if (options_.weight_penalty == 0 && options_.range_penalty == 0) return 0;
  double sum = 0;
  for (const nn::Parameter* filter : filters_)
    sum += dtype() == DType::f64 ? penalise<double>(*filter, options_) : penalise<float>(*filter, options_);
  return sum;
}

double SessionStep::operator()(const SegmentSource& segments, const Tensor& labels, std::uint64_t number) {
  const Tensor f = features_to_train(segments, number);
  check_features(f, text::cat("training: step ", number));
  result_ = decoder_loss(f, segments.channels(), labels, loss_keys());
  gradient(segments, number);
  return result_.loss + penalties();
}

double SessionStep::decoupled(const SegmentSource& segments, const Tensor& labels, std::uint64_t number,
                              std::int64_t batch, const std::function<void()>& update) {
  const LossResult fitted = decoder_loss(features(segments, number, nullptr), segments.channels(), labels, loss_keys());
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
    result_ = fixed_loss(fitted, features_to_train(*picked, address), some, loss_keys());
    THIMBLE_CHECK(std::isfinite(result_.loss), failed, "training: step ", number, ": the loss is not finite");
    gradient(*picked, address);
    sum += result_.loss + penalties();
    update();
  }
  return sum / static_cast<double>(batches);
}

}  // namespace thimble::fenet
