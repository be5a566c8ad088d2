#pragma once
// A decoder that is kept while the recording changes.

#include "apps/fenet/evaluate/protocol.h"
#include "apps/fenet/look/view.h"

#include <cstdint>
#include <string>
#include <vector>

namespace thimble::fenet {

/// One later day seen by the decoder of the first day.
struct DriftDay {
  std::string day;
  double frozen = 0;                  // normalisation, PLS and decoder of the first day
  double renormalised = 0;            // the features normalised with the statistics of the day itself
  double refitted = 0;                // everything fitted anew, every row predicted by the folds it is not in
  double shift = 0;                   // median over features of |change of the mean| in deviations of the first day
  std::vector<double> channel_shift;  // the largest of a channel's features
  struct Recalibrated {
    std::int64_t segments = 0;  // of the day used for fitting, together with the first day
    double r2 = 0;              // on the rest
  };
  std::vector<Recalibrated> curve;
};

/// `days`: features not normalised; the first one is where the decoder is fitted. Throws Error(data) for one day only.
std::vector<DriftDay> drift_of_days(const std::vector<DayFeatures>& days, const Protocol& protocol);

}  // namespace thimble::fenet
