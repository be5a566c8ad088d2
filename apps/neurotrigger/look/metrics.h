#pragma once
// Figures of merit of a network on rows of a data set: losses, spreads of the z difference, trigger cuts. All sums in
// double, in row order.

#include "apps/neurotrigger/data/dataset.h"
#include "apps/neurotrigger/look/compared.h"
#include "apps/neurotrigger/look/trigger_view.h"

#include <cstdint>
#include <vector>

namespace thimble::neurotrigger {

/// Result of one expert (or of all rows) on one split. Spreads over z = first column, difference reco - network.
struct Merit {
  std::int64_t rows = 0;
  Maybe loss;         // mean of squared differences over rows and columns, scaled units
  Maybe loss_old;     // the same for the old network
  Maybe loss_vs_old;  // ratio of the two
  Maybe z_std;        // divisor n-1, scaled units
  Maybe z_std_old, z_std_vs_old;
  Maybe z_trimmed_cm;  // 5 % dropped at each end, divisor n
  Maybe z_trimmed_old_cm;
  Maybe z_trimmed_near_cm;  // only rows with |reco z| < 10 cm: the resolution quoted for simulated tracks
  Maybe z_mean_cm;
  Maybe theta_trimmed_deg;
  TriggerNumbers trigger;
};
Merit merit_of(const Compared& compared);

/// Rows of one validation epoch seen in batches: each value is computed per batch and averaged with the batch size as
/// weight, which is not the value over all rows. The rule of the original trainer.
struct EpochValues {
  Maybe val_loss, val_loss_vs_old_loss, val_z_diff_std, val_z_diff_std_vs_old;
};
EpochValues validation_epoch(const Compared& compared, std::int64_t batch_size);

/// Rows of several experts joined.
Compared join(const std::vector<Compared>& parts);

/// reco - network of column 0 in cm (or column 1 in degrees).
std::vector<double> differences(const Tensor& y, const Tensor& y_hat, std::int64_t column = 0);
/// Column in physical units.
std::vector<double> physical_column(const Tensor& scaled, std::int64_t column = 0);

/// What a cut |network z| < `cut_cm` keeps: of tracks from the collision point and of tracks from far away.
struct CutPoint {
  double cut_cm = 0;
  double efficiency = 0;  // share of rows with |reco z| < near that is kept
  double rejection = 0;   // share of rows with |reco z| > far that is dropped
};
std::vector<CutPoint> cut_curve(const Tensor& y, const Tensor& y_hat, const std::vector<double>& cuts_cm,
                                double near_cm = 1.0, double far_cm = 20.0);

/// Trimmed spread of the difference around values of reco z: of the first 50,000 rows those inside +-75 cm are sorted,
/// and around every `step`-th of them the rows closer than 1 cm are looked at, those beyond 75 cm included.
struct SpreadCurve {
  std::vector<double> z_cm, spread_cm;
  std::vector<std::int64_t> rows;  // in the window
};
SpreadCurve spread_against_z(const std::vector<double>& reco_cm, const std::vector<double>& difference_cm,
                             std::size_t step = 100);

}  // namespace thimble::neurotrigger
