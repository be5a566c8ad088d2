#include "apps/fenet/decode/decoder.h"

#include "core/base/error.h"
#include "core/linalg/kalman.h"
#include "core/linalg/least_squares.h"

#include "apps/fenet/decode/quantised.h"

#include <algorithm>
#include <cstring>

namespace thimble::fenet {
namespace {

class LinearDecoder : public Decoder {
 public:
  LinearDecoder(const linalg::LinearFit& fit, std::string format)
      : fit_(quantised(fit, format)), format_(std::move(format)) {}
  Tensor predict(const Tensor& x) const override { return linalg::predict(fit_, quantised(x, format_)); }

 private:
  linalg::LinearFit fit_;
  std::string format_;
};

class KalmanDecoder : public Decoder {
 public:
  explicit KalmanDecoder(linalg::KalmanFilter filter) : filter_(std::move(filter)) {}
  Tensor predict(const Tensor& x) const override { return linalg::predict(filter_, x); }

 private:
  linalg::KalmanFilter filter_;
};

/// Copies row `from[i]` of x to row i.
Tensor rows_at(const Tensor& x, const std::vector<std::int64_t>& from) {
  const auto width = x.bytes() / static_cast<std::size_t>(std::max<std::int64_t>(1, x.size(0)));
  Tensor out = Tensor::empty({static_cast<std::int64_t>(from.size()), x.size(1)}, x.dtype());
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::memcpy(static_cast<char*>(out.raw_mut()) + i * width,
                static_cast<const char*>(x.raw()) + static_cast<std::size_t>(from[i]) * width, width);
  }
  return out;
}

/// Runs of consecutive rows as [begin, end), from their starts.
std::vector<std::pair<std::int64_t, std::int64_t>> runs_of(std::int64_t rows, std::vector<std::int64_t> starts) {
  starts.push_back(0);
  starts.push_back(rows);
  std::sort(starts.begin(), starts.end());
  starts.erase(std::unique(starts.begin(), starts.end()), starts.end());
  std::vector<std::pair<std::int64_t, std::int64_t>> runs;
  for (std::size_t i = 0; i + 1 < starts.size(); ++i) runs.emplace_back(starts[i], starts[i + 1]);
  return runs;
}

/// Beside every row those `before` to `after` rows later, side by side; beyond the ends of a run its end is repeated.
Tensor with_neighbours(const Tensor& x, std::int64_t before, std::int64_t after,
                       const std::vector<std::int64_t>& starts) {
  const std::int64_t rows = x.size(0), width = before + after + 1;
  std::vector<std::int64_t> from;
  from.reserve(static_cast<std::size_t>(rows * width));
  for (const auto& run : runs_of(rows, starts)) {
    for (std::int64_t i = run.first; i < run.second; ++i) {
      for (std::int64_t lag = -before; lag <= after; ++lag)
        from.push_back(std::clamp(i + lag, run.first, run.second - 1));
    }
  }
  return rows_at(x, from).reshape({rows, width * x.size(1)});
}

/// Another decoder on a window of segments.
class WindowDecoder : public Decoder {
 public:
  WindowDecoder(std::unique_ptr<Decoder> inner, std::int64_t before, std::int64_t after)
      : inner_(std::move(inner)), before_(before), after_(after) {}
  Tensor predict(const Tensor& x) const override { return inner_->predict(with_neighbours(x, before_, after_, {})); }

 private:
  std::unique_ptr<Decoder> inner_;
  std::int64_t before_, after_;
};

/// Exponential average over the predictions of another decoder; it starts at the first prediction.
class SmoothDecoder : public Decoder {
 public:
  SmoothDecoder(std::unique_ptr<Decoder> inner, double segments) : inner_(std::move(inner)), segments_(segments) {}
  Tensor predict(const Tensor& x) const override {
    Tensor out = inner_->predict(x);
    auto* v = out.mut<double>();
    const std::int64_t axes = out.size(1);
    for (std::int64_t k = axes; k < out.numel(); ++k) v[k] = v[k - axes] + (v[k] - v[k - axes]) / (1 + segments_);
    return out;
  }

 private:
  std::unique_ptr<Decoder> inner_;
  double segments_;
};

std::unique_ptr<Decoder> fit_on_window(const DecoderKeys& keys, const Tensor& x, const Tensor& y) {
  return std::make_unique<LinearDecoder>(linalg::fit_linear(x, y, keys.kind == "linear" ? 0 : keys.ridge),
                                         keys.quantise);
}

void check_rows(const Tensor& x, const Tensor& y) {
  THIMBLE_CHECK(x.defined() && y.defined() && x.rank() == 2 && y.rank() == 2 && x.size(0) == y.size(0), shape,
                "decoder: expected matrices of features and labels with equal rows");
  THIMBLE_CHECK(x.size(0) >= 2, value, "decoder: needs at least two segments, got ", x.size(0));
}

}  // namespace

std::unique_ptr<Decoder> fit_decoder(const DecoderKeys& keys, const Tensor& x, const Tensor& y,
                                     const std::vector<std::int64_t>& starts) {
  check_rows(x, y);
  for (const std::int64_t row : starts)
    THIMBLE_CHECK(row >= 0 && row <= x.size(0), value, "decoder: a run starts at row ", row, " of ", x.size(0));
  const bool wiener = keys.kind == "wiener";
  // a lag moves the window: the features of segment i - lag stand for the movement of segment i
  const std::int64_t before = (wiener ? keys.lags_before : 0) + keys.lag;
  const std::int64_t after = (wiener ? keys.lags_after : 0) - keys.lag;
  const bool window = before != 0 || after != 0;
  const Tensor seen = window ? with_neighbours(x, before, after, starts) : x;
  std::unique_ptr<Decoder> decoder;
  if (keys.kind == "kalman")
    decoder = std::make_unique<KalmanDecoder>(linalg::fit_kalman(seen, y, keys.kalman_integral, starts));
  else
    decoder = fit_on_window(keys, seen, y);
  if (window) decoder = std::make_unique<WindowDecoder>(std::move(decoder), before, after);
  if (keys.smoothing > 0) decoder = std::make_unique<SmoothDecoder>(std::move(decoder), keys.smoothing);
  return decoder;
}

}  // namespace thimble::fenet
