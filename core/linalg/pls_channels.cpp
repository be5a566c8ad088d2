#include "core/base/error.h"
#include "core/base/log.h"
#include "core/linalg/pls.h"
#include "core/linalg/pls_solve.h"
#include "core/linalg/tall_data.h"
#include "core/parallel/blocks.h"

#include <algorithm>
#include <cmath>

namespace thimble::linalg {
namespace {

constexpr std::int64_t kChannelsPerBlock = 8;

/// The columns of one channel, known by their products only. What remains of y is known by its squares: exact until
/// little is left, when `unsure` says that the fit needs the numbers themselves.
class GramData : public PlsData {
 public:
  GramData(std::vector<double> gram, std::vector<double> y_squares)
      : gram_(std::move(gram)), squares_(std::move(y_squares)), first_(squares_) {}

  double project(const double* r, double* g) override {
    double squared = 0;
    for (std::size_t i = 0, n = size(); i < n; ++i) {
      g[i] = 0;
      for (std::size_t j = 0; j < n; ++j) g[i] += gram_[i * n + j] * r[j];
      squared += r[i] * g[i];
    }
    return squared;
  }
  void deflate(const double* loading, double squared) override {
    for (std::size_t k = 0; k < squares_.size(); ++k) squares_[k] -= squared * loading[k] * loading[k];
  }
  std::int64_t start(std::vector<char>& spent) override {
    std::int64_t first = -1;
    for (std::size_t k = squares_.size(); k-- > 0;) {
      spent[k] = first_[k] == 0 ? 1 : 0;
      if (spent[k] != 0) continue;
      first = static_cast<std::int64_t>(k);
      unsure_ = unsure_ || squares_[k] < 1e-9 * first_[k];
    }
    return first;
  }
  bool unsure() const { return unsure_; }

 private:
  std::size_t size() const { return static_cast<std::size_t>(std::sqrt(static_cast<double>(gram_.size())) + 0.5); }
  std::vector<double> gram_, squares_, first_;
  bool unsure_ = false;
};

/// Everything that the fits of all channels share.
struct ChannelWork {
  Tensor x, y;  // the rows that count
  PlsOptions options;
  std::int64_t features;
  TallMoments moments;
  Responses responses;
  std::vector<double> divisor;  // [C * N]
  std::vector<double> y_squares;

  std::size_t columns() const { return divisor.size(); }
};

std::vector<double> squares_of(const Tensor& y) {
  std::vector<double> out(static_cast<std::size_t>(y.size(1)), 0.0);
  const auto* v = y.data<double>();
  for (std::int64_t i = 0; i < y.numel(); ++i) out[static_cast<std::size_t>(i % y.size(1))] += v[i] * v[i];
  return out;
}

std::vector<double> channel_gram(const ChannelWork& work, std::size_t first) {
  const auto n = static_cast<std::size_t>(work.features);
  std::vector<double> gram(n * n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t d = 0; i + d < n; ++d) {
      const double value =
          work.moments.gram[d * work.columns() + first + i] / (work.divisor[first + i] * work.divisor[first + i + d]);
      gram[i * n + i + d] = gram[(i + d) * n + i] = value;
    }
  }
  return gram;
}

PlsProblem channel_problem(const ChannelWork& work, std::size_t first) {
  PlsProblem problem{work.features, work.responses.values.size(1), {}, 0};
  for (std::size_t k = 0; k < work.y_squares.size(); ++k) {
    for (std::size_t j = first; j < first + static_cast<std::size_t>(work.features); ++j)
      problem.s.push_back(work.moments.with_y[k * work.columns() + j] / work.divisor[j]);
  }
  return problem;
}

/// The channel alone, with its scores at hand.
std::vector<double> fit_slowly(const ChannelWork& work, std::int64_t first, std::int64_t& found) {
  const std::int64_t n = work.x.size(0), width = work.features;
  const Tensor part = Tensor::empty({n, width}, DType::f64);
  const Tensor x = work.x;
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = 0; j < width; ++j) {
      const std::int64_t from = i * x.size(1) + first + j;
      part.mut<double>()[i * width + j] =
          x.dtype() == DType::f32 ? static_cast<double>(x.data<float>()[from]) : x.data<double>()[from];
    }
  }
  const PlsModel model = fit_pls(part, work.y, work.options);
  found = model.found;
  return model.x_rotations.to_vector();
}

/// Rotations [N, A] of the channel whose first column is `first`; components found.
std::int64_t fit_channel(const ChannelWork& work, std::int64_t first, double* rotations) {
  const std::int64_t a = work.options.components;
  std::vector<double> by_row;
  std::int64_t found = 0;
  if (work.options.solver != PlsSolver::simpls) {
    const auto column = static_cast<std::size_t>(first);
    PlsProblem problem = channel_problem(work, column);
    GramData data(channel_gram(work, column), work.y_squares);
    for (std::int64_t j = 0; j < work.features; ++j) {
      const auto at = static_cast<std::size_t>(first + j);
      problem.total += work.moments.gram[at] / (work.divisor[at] * work.divisor[at]);
    }
    const PlsComponents parts = solve_pls(data, problem, work.options);
    found = parts.found;
    for (std::int64_t k = 0; k < a; ++k) {
      for (std::int64_t j = 0; j < work.features; ++j)
        rotations[j * a + k] = parts.rotations[static_cast<std::size_t>(k * work.features + j)];
    }
    if (!data.unsure()) return found;
  }
  by_row = fit_slowly(work, first, found);
  std::copy(by_row.begin(), by_row.end(), rotations);
  return found;
}

ChannelWork prepare(const Tensor& x, std::int64_t channels, const Tensor& y, const PlsOptions& options,
                    std::int64_t rows) {
  constexpr const char* what = "x of partial least squares per channel";
  const std::int64_t used = rows == 0 ? x.size(0) : rows;
  THIMBLE_CHECK(used >= 2 && used <= x.size(0), value, what, ": ", used, " rows wanted of ", x.size(0),
                ", at least two are needed");
  ChannelWork work{x.rows(0, used), y.rows(0, used), options, x.size(1) / channels, {}, {}, {}, {}};
  const TallData data(work.x, what);
  work.responses = center_responses(work.y, options.scale, "y of partial least squares per channel");
  work.moments = moments_of(data, work.responses.values, work.features, what);
  work.divisor.assign(work.moments.deviation.size(), 1.0);
  for (std::size_t j = 0; j < work.divisor.size(); ++j) {
    const bool divide = options.scale && options.solver != PlsSolver::simpls && work.moments.deviation[j] != 0;
    if (divide) work.divisor[j] = work.moments.deviation[j];
  }
  work.y_squares = squares_of(work.responses.values);
  return work;
}

template <class T>
Tensor reduce_as(const ChannelPls& pls, const Tensor& x, PlsApply apply) {
  const std::int64_t n = x.size(0), outputs = pls.channels * pls.components, a = pls.components;
  std::vector<T> offset(static_cast<std::size_t>(x.size(1)), T(0)), weights;
  for (std::int64_t k = 0; k < pls.rotations.numel(); ++k) {
    const double divisor = apply == PlsApply::raw ? 1.0 : pls.std.data<double>()[k / a];
    weights.push_back(static_cast<T>(pls.rotations.data<double>()[k] / divisor));
  }
  for (std::int64_t j = 0; apply == PlsApply::standardized && j < x.size(1); ++j)
    offset[static_cast<std::size_t>(j)] = static_cast<T>(pls.mean.data<double>()[j]);
  Tensor u = Tensor::empty({n, outputs}, x.dtype());
  kernels::map_groups({weights.data(), apply == PlsApply::raw ? nullptr : offset.data(), pls.channels, pls.features, a},
                      x.data<T>(), n, u.mut<T>());
  return u;
}

}  // namespace

ChannelPls fit_channel_pls(const Tensor& x, std::int64_t channels, const Tensor& y, const PlsOptions& options,
                           std::int64_t rows) {
  check_fit(x, y, options, channels);
  const ChannelWork work = prepare(x, channels, y, options, rows);
  const std::int64_t n = work.features, a = options.components;
  ChannelPls pls{channels,
                 n,
                 a,
                 Tensor::from(work.moments.mean, {channels, n}),
                 Tensor::from(work.divisor, {channels, n}),
                 Tensor::zeros({channels, n, a}, DType::f64)};
  std::vector<std::int64_t> found(static_cast<std::size_t>(channels));
  parallel_blocks((channels + kChannelsPerBlock - 1) / kChannelsPerBlock, [&](std::int64_t b) {
    for (std::int64_t c = b * kChannelsPerBlock; c < std::min(channels, (b + 1) * kChannelsPerBlock); ++c)
      found[static_cast<std::size_t>(c)] = fit_channel(work, c * n, pls.rotations.mut<double>() + c * n * a);
  });
  const auto short_of = std::count_if(found.begin(), found.end(), [&](std::int64_t f) { return f < a; });
  if (short_of > 0)
    log::warning("partial least squares: ", short_of, " of ", channels, " channels have fewer than ", a,
                 " components; the others are zero");
  return pls;
}

Tensor reduce(const ChannelPls& pls, const Tensor& x, PlsApply apply) {
  check_columns(x, pls.channels * pls.features, "reduction per channel");
  return x.dtype() == DType::f32 ? reduce_as<float>(pls, x, apply) : reduce_as<double>(pls, x, apply);
}

}  // namespace thimble::linalg
