#pragma once
// How sure a network is of its z: one output more for the width of a Gaussian, or two more for the ends of the central
// 68 % interval. The widths are calibrated on the validation tracks, so that an interval holds what it promises.

#include "autograd/tape.h"

#include "apps/neurotrigger/look/compared.h"

#include <string>
#include <vector>

namespace thimble::neurotrigger {

enum class Uncertainty {
  none,
  sigma,      // one output: logarithm of the width, kLowestWidthCm .. kLargestWidthCm on -1 .. 1
  quantiles,  // two outputs: z below which 15.87 % and 84.13 % of the tracks lie, scaled like z
};
/// "none", "sigma", "quantiles". Throws Error(config) otherwise.
Uncertainty uncertainty_from_name(const std::string& name);
/// Outputs behind z (and theta): 0, 1 or 2.
std::int64_t extra_outputs(Uncertainty kind);

inline constexpr double kLowestWidthCm = 0.1, kLargestWidthCm = 100.0;
/// Shares of tracks that the intervals promise to hold: one and (nearly) two standard deviations.
inline constexpr double kOneSigma = 0.6826894921370859, kTwoSigma = 0.95;

/// Width in cm of an output -1 .. 1, and back.
double width_of_output(double output);
double output_of_width(double width_cm);

/// Mean over the rows of the term that trains the extra outputs, y [B, estimates + extra], t [B, >= 1], column 0 of
/// both is z. sigma: log s + (z - t)²/(2 s²), the Gaussian negative log likelihood. quantiles: pinball losses of both
/// ends (Koenker, Bassett, "Regression quantiles", Econometrica 46, 1978). The error z - t counts as given: no
/// gradient reaches column 0, so z is learned from its own loss alone and tracks with small widths do not crowd out
/// the others (Seitzer et al., "On the pitfalls of heteroscedastic uncertainty estimation", ICLR 2022).
Var spread_loss(const Var& y, const Var& t, Uncertainty kind, std::int64_t estimates);

/// Half widths of the intervals around z, cm, one per row, before calibration. Both are the same for sigma.
struct HalfWidths {
  std::vector<double> below, above;
  std::size_t size() const { return below.size(); }
};
/// From the z column of `estimates` [N, 1 or 2] and the extra outputs [N, 1 or 2], scaled. An end on the wrong side of
/// z stands kLowestWidthCm away.
HalfWidths half_widths(const Tensor& estimates, const Tensor& extra, Uncertainty kind);
/// Both multiplied by `factor`.
HalfWidths scaled(HalfWidths widths, double factor);

/// Factors that make z - f below .. z + f above hold the promised shares of the calibration rows: the
/// ceil((n + 1) p)-th smallest of |error| / half width (split conformal prediction: Romano et al., "Conformalized
/// quantile regression", NeurIPS 2019). Missing when the rows are too few to promise that share.
struct Calibration {
  std::int64_t rows = 0;
  Maybe one_sigma, two_sigma;
};
Calibration calibrate(const std::vector<double>& reco_cm, const std::vector<double>& z_cm, const HalfWidths& widths);

/// error / half width on its side.
std::vector<double> pulls(const std::vector<double>& reco_cm, const std::vector<double>& z_cm,
                          const HalfWidths& widths);

/// What the calibrated intervals do on other rows.
struct Coverage {
  std::int64_t rows = 0;
  Maybe one_sigma, two_sigma;       // shares inside
  Maybe plain_one_sigma;            // share inside without calibration
  Maybe mean_width_cm;              // mean calibrated half width of the 68 % interval
  Maybe pull_median, pull_trimmed;  // of the calibrated pulls; 0 and about 0.8 for Gaussian errors (5 % off each end)
  Maybe correlation;                // between half width and |error|: does the width know good tracks from bad ones
};
Coverage coverage_of(const std::vector<double>& reco_cm, const std::vector<double>& z_cm, const HalfWidths& widths,
                     const Calibration& calibration);

}  // namespace thimble::neurotrigger
