#pragma once
// Figures of one setting of a sweep, and of what good results cost.

#include "apps/common/sweep/sweep_figures.h"

#include <optional>
#include <string>
#include <vector>

namespace thimble::app {

/// Arms for which a setting means something, with that setting alone: those whose text is "-" are left out.
SweepPicture arms_with(const SweepPicture& sweep, const SweptSetting& setting);

/// A box of the metric for every value of the setting: quartiles, whiskers, outliers. Arms without a value are left
/// out.
report::Figure box_chart(const SweepPicture& sweep, const SweptSetting& setting);
/// A point per arm and the three quartiles of every value as lines; points of one value stand side by side.
report::Figure quartile_strip(const SweepPicture& sweep, const SweptSetting& setting);
/// How often every value of the setting was tried; the mean value with its 95 % t-interval as lines. Words are counted
/// without them.
report::Figure value_histogram(const SweepPicture& sweep, const SweptSetting& setting);
/// Mean of the metric for every value of the setting with its 95 % t-interval; values tried once have none.
report::Figure mean_chart(const SweepPicture& sweep, const SweptSetting& setting);

/// A known point to compare with.
struct CostMarker {
  std::string name;
  double cost = 0, value = 0;
};
/// The metric against a cost, one per arm, with the best value for so much or less as a line.
report::Figure cost_chart(const SweepPicture& sweep, const std::vector<std::optional<double>>& costs,
                          const std::string& cost_label, const std::optional<CostMarker>& marker);

}  // namespace thimble::app
