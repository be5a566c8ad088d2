#include "apps/neurotrigger/train/uncertainty.h"

#include "core/base/error.h"
#include "core/kernels/index.h"
#include "core/linalg/stats.h"

#include "apps/neurotrigger/data/scaling.h"

#include <algorithm>
#include <cmath>

namespace thimble::neurotrigger {
namespace {

constexpr double kLowerShare = (1.0 - kOneSigma) / 2.0;

const double kLogCentre = (std::log(kLowestWidthCm) + std::log(kLargestWidthCm)) / 2.0;
const double kLogHalfRange = (std::log(kLargestWidthCm) - std::log(kLowestWidthCm)) / 2.0;
const double kLogUnit = std::log(kCmPerUnit);

/// Loss of one row and its slopes along the extra outputs.
struct RowTerm {
  double value = 0;
  std::array<double, 2> slope{};
};

RowTerm gaussian_term(double error, double output) {
  const double log_width = kLogCentre + kLogHalfRange * output - kLogUnit;  // scaled units, like the error
  const double square = error * error * std::exp(-2.0 * log_width);
  return {log_width + square / 2.0, {kLogHalfRange * (1.0 - square), 0.0}};
}

RowTerm pinball_term(double target, double low, double high) {
  const auto pinball = [target](double end, double share) {
    const double d = target - end;
    return std::pair{d >= 0 ? share * d : (share - 1.0) * d, d >= 0 ? -share : 1.0 - share};
  };
  const auto [a, slope_a] = pinball(low, kLowerShare);
  const auto [b, slope_b] = pinball(high, 1.0 - kLowerShare);
  return {a + b, {slope_a, slope_b}};
}

/// Element (row, column) of either layout and type.
class Reader {
 public:
  explicit Reader(const Tensor& t)
      : at_(t),
        floats_(t.dtype() == DType::f32 ? t.data<float>() : nullptr),
        doubles_(floats_ == nullptr ? t.data<double>() : nullptr) {}
  double operator()(std::int64_t row, std::int64_t column) const {
    const std::int64_t i = at_.at(row, column);
    return floats_ != nullptr ? static_cast<double>(floats_[i]) : doubles_[i];
  }

 private:
  kernels::Samples at_;
  const float* floats_;
  const double* doubles_;
};

RowTerm term_of(const Reader& y, const Reader& t, std::int64_t row, Uncertainty kind, std::int64_t estimates) {
  if (kind == Uncertainty::sigma) return gaussian_term(y(row, 0) - t(row, 0), y(row, estimates));
  return pinball_term(t(row, 0), y(row, estimates), y(row, estimates + 1));
}

void put(const Tensor& t, std::int64_t index, double value, bool add) {
  if (t.dtype() == DType::f32) {
    float& place = t.mut<float>()[index];
    place = static_cast<float>(add ? static_cast<double>(place) + value : value);
  } else {
    double& place = t.mut<double>()[index];
    place = add ? place + value : value;
  }
}

void spread_forward(const Run& r, Uncertainty kind, std::int64_t estimates) {
  const Reader y(r.in(0)), t(r.in(1));
  const std::int64_t rows = r.in(0).size(0);
  double sum = 0;
  for (std::int64_t b = 0; b < rows; ++b) sum += term_of(y, t, b, kind, estimates).value;
  put(r.out(), 0, sum / static_cast<double>(rows), false);
}

void spread_backward(const Run& r, Uncertainty kind, std::int64_t estimates) {
  const kernels::Into into = r.d_in(0);
  if (!into) return;
  const Reader y(r.in(0)), t(r.in(1));
  const kernels::Samples at(*into.tensor);
  if (!into.add)  // padding lanes and the columns without a slope
    std::fill_n(static_cast<std::byte*>(into.tensor->raw_mut()), into.tensor->bytes(), std::byte{0});
  const double factor = r.d_out().item() / static_cast<double>(at.batch);
  for (std::int64_t b = 0; b < at.batch; ++b) {
    const RowTerm term = term_of(y, t, b, kind, estimates);
    for (std::int64_t k = 0; k < extra_outputs(kind); ++k)
      put(*into.tensor, at.at(b, estimates + k), factor * term.slope[static_cast<std::size_t>(k)], into.add);
  }
}

Maybe share_inside(const std::vector<double>& pulls, Maybe limit) {
  if (!limit || pulls.empty()) return {};
  const auto inside = std::count_if(pulls.begin(), pulls.end(), [&](double p) { return std::abs(p) <= *limit; });
  return static_cast<double>(inside) / static_cast<double>(pulls.size());
}

Maybe finite_or_none(double value) {
  return std::isfinite(value) ? Maybe(value) : Maybe();
}

}  // namespace

Uncertainty uncertainty_from_name(const std::string& name) {
  if (name == "none") return Uncertainty::none;
  if (name == "sigma") return Uncertainty::sigma;
  THIMBLE_CHECK(name == "quantiles", config, "unknown uncertainty '", name, "': none, sigma or quantiles");
  return Uncertainty::quantiles;
}

std::int64_t extra_outputs(Uncertainty kind) {
  return kind == Uncertainty::none ? 0 : kind == Uncertainty::sigma ? 1 : 2;
}

double width_of_output(double output) {
  return std::exp(kLogCentre + kLogHalfRange * output);
}

double output_of_width(double width_cm) {
  return (std::log(width_cm) - kLogCentre) / kLogHalfRange;
}

Var spread_loss(const Var& y, const Var& t, Uncertainty kind, std::int64_t estimates) {
  THIMBLE_CHECK(kind != Uncertainty::none, value, "spread_loss: there are no extra outputs to train");
  THIMBLE_CHECK(y.shape().rank() == 2 && t.shape().rank() == 2 && y.size(0) == t.size(0) && y.size(0) > 0 &&
                    estimates >= 1 && y.size(1) == estimates + extra_outputs(kind),
                shape, "spread_loss: outputs ", y.shape(), " and targets ", t.shape(), " with ", estimates,
                " estimates");
  THIMBLE_CHECK(y.dtype() == t.dtype(), dtype, "spread_loss: outputs and targets of different types");
  return record(
      "spread_loss", {y, constant(t.value())}, {{}, y.dtype()},
      [kind, estimates](const Run& r) { spread_forward(r, kind, estimates); },
      [kind, estimates](const Run& r) { spread_backward(r, kind, estimates); });
}

HalfWidths half_widths(const Tensor& estimates, const Tensor& extra, Uncertainty kind) {
  THIMBLE_CHECK(extra.rank() == 2 && extra.size(1) == extra_outputs(kind) && extra.size(0) == estimates.size(0), shape,
                "half_widths: outputs ", estimates.shape(), " and extra outputs ", extra.shape());
  const Reader z(estimates), e(extra);
  HalfWidths out;
  for (std::int64_t row = 0; row < extra.size(0); ++row) {
    if (kind == Uncertainty::sigma) {
      out.below.push_back(width_of_output(e(row, 0)));
      out.above.push_back(out.below.back());
    } else {
      out.below.push_back(std::max(kLowestWidthCm, kCmPerUnit * (z(row, 0) - e(row, 0))));
      out.above.push_back(std::max(kLowestWidthCm, kCmPerUnit * (e(row, 1) - z(row, 0))));
    }
  }
  return out;
}

HalfWidths scaled(HalfWidths widths, double factor) {
  for (double& w : widths.below) w *= factor;
  for (double& w : widths.above) w *= factor;
  return widths;
}

std::vector<double> pulls(const std::vector<double>& reco, const std::vector<double>& z, const HalfWidths& widths) {
  THIMBLE_CHECK(reco.size() == z.size() && z.size() == widths.size(), shape, "pulls: ", reco.size(), ", ", z.size(),
                " and ", widths.size(), " rows");
  std::vector<double> out(z.size());
  for (std::size_t i = 0; i < z.size(); ++i) {
    const double error = reco[i] - z[i];
    out[i] = error / (error < 0 ? widths.below[i] : widths.above[i]);
  }
  return out;
}

Calibration calibrate(const std::vector<double>& reco, const std::vector<double>& z, const HalfWidths& widths) {
  std::vector<double> sizes = pulls(reco, z, widths);
  for (double& p : sizes) p = std::abs(p);
  std::sort(sizes.begin(), sizes.end());
  const auto n = static_cast<double>(sizes.size());
  const auto factor = [&](double share) {
    const double rank = std::ceil((n + 1.0) * share);
    return rank >= 1 && rank <= n ? Maybe(sizes[static_cast<std::size_t>(rank) - 1]) : Maybe();
  };
  return {static_cast<std::int64_t>(sizes.size()), factor(kOneSigma), factor(kTwoSigma)};
}

Coverage coverage_of(const std::vector<double>& reco, const std::vector<double>& z, const HalfWidths& widths,
                     const Calibration& calibration) {
  Coverage out;
  const std::vector<double> plain = pulls(reco, z, widths);
  out.rows = static_cast<std::int64_t>(plain.size());
  out.one_sigma = share_inside(plain, calibration.one_sigma);
  out.two_sigma = share_inside(plain, calibration.two_sigma);
  out.plain_one_sigma = share_inside(plain, 1.0);
  if (plain.empty() || !calibration.one_sigma) return out;
  std::vector<double> width, size, calibrated;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    width.push_back(*calibration.one_sigma * (widths.below[i] + widths.above[i]) / 2.0);
    size.push_back(std::abs(reco[i] - z[i]));
    calibrated.push_back(plain[i] / *calibration.one_sigma);
  }
  out.mean_width_cm = linalg::mean(width);
  out.pull_median = linalg::quantile(calibrated, 0.5, linalg::QuantileRule::linear);
  out.pull_trimmed = linalg::trimmed_standard_deviation(calibrated);
  out.correlation = finite_or_none(linalg::pearson(width, size));
  return out;
}

}  // namespace thimble::neurotrigger
