#pragma once
// The figures of a training: what a physicist looks at first. Values in cm; differences are reco - network.

#include "core/report/figure.h"

#include "apps/neurotrigger/look/figure_parts.h"
#include "apps/neurotrigger/look/metrics.h"

#include <string>
#include <vector>

namespace thimble::neurotrigger {

/// One learning curve: loss against finished epochs.
struct LossCurve {
  std::string name;  // "expert 0"
  std::vector<double> epoch, train, validation;
};

/// Reco z against network z, 200 x 200 bins over the data, logarithmic colour.
report::Figure z_plot(const Compared& compared, const std::string& name, const std::string& title, bool old = false);
/// Network z of every network, with reco z behind.
report::Figure z_histogram(const Overlay& networks, const std::string& name, const std::string& title);
/// Differences of every network; `shallow`: only |reco z| <= 1 cm.
report::Figure z_difference(const Overlay& networks, const std::string& name, const std::string& title,
                            bool shallow = false);
/// Trimmed spread of the difference along reco z.
report::Figure z_spread(const Overlay& networks, const std::string& name, const std::string& title);
/// One curve of z_spread; the legend names its number of points and the least spread.
report::Series spread_series(const std::string& name, const SpreadCurve& curve);
/// Loss of all experts against epochs, logarithmic.
report::Figure loss_figure(const std::vector<LossCurve>& curves);
/// Efficiency for tracks from the collision point against rejection of far tracks, along the cut on network z.
report::Figure cut_figure(const Compared& compared, const std::string& name, const std::string& title);

/// z of the integer network against z of the trained one.
report::Figure drift_figure(const std::vector<double>& differences_cm, const std::string& title);

}  // namespace thimble::neurotrigger
