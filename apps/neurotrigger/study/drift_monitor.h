#pragma once
// Do new tracks look like those that a network was trained on? Shapes of all inputs and outputs, hit efficiencies,
// unknown sides and expert shares are compared with the statistics kept in the run; what moved is named in a sentence.

#include "core/report/figure.h"
#include "core/report/table.h"

#include "apps/neurotrigger/study/reference_statistics.h"

#include <string>
#include <vector>

namespace thimble::neurotrigger {

/// A difference counts when it is both certain and large enough to matter.
struct DriftLimits {
  double p = 0.01;      // of all tests together (Bonferroni)
  double shape = 0.03;  // largest difference of the cumulated shares
  double share = 0.02;  // difference of two shares
};

/// One comparison.
struct DriftTest {
  enum class Kind { input, output, hits, unknown_side, expert };
  Kind kind = Kind::input;
  std::string name;               // "SL3 driftT", "z", "hits SL3", "expert 2"
  double reference = 0, now = 0;  // shares; for shapes the mean of |value|
  double distance = 0;            // Kolmogorov-Smirnov, or difference of the shares
  double psi = 0;                 // population stability index over ten bins of equal reference share; shapes only
  double p = 1;                   // of this test alone
  double p_corrected = 1;         // times the number of tests, at most 1
  bool flagged = false;
  std::string sentence;  // what it means, for flagged ones
};

/// All comparisons that both sides have tracks for, flagged ones with their sentences. Tracks of one event count as one
/// when certainty is judged: they share the event time, and one particle may give several.
std::vector<DriftTest> drift_tests(const ReferenceStatistics& reference, const ReferenceStatistics& now,
                                   const DriftLimits& limits = {});

/// Two-sample Kolmogorov-Smirnov distance on the common bins; a lower bound of that of the values themselves.
double ks_distance(const Profile& a, const Profile& b);
/// Asymptotic probability of a distance at least as large for samples of n and m values of one distribution (Stephens'
/// form: Press et al., "Numerical Recipes", ch. 14); too large, never too small, for values with ties.
double ks_probability(double distance, double n, double m);
/// Sum of (p - q) ln(p / q) over ten bins of about equal reference share; below 0.1 is usually called stable, above
/// 0.25 a shift.
double stability_index(const Profile& reference, const Profile& now);

/// Flagged first, then by distance.
report::Table drift_table(const std::vector<DriftTest>& tests);
/// Both shapes of a flagged input or output.
report::Figure shape_figure(const std::string& name, const Profile& reference, const Profile& now);
std::string drift_json(const std::vector<DriftTest>& tests, const ReferenceStatistics& reference,
                       const ReferenceStatistics& now);

}  // namespace thimble::neurotrigger
