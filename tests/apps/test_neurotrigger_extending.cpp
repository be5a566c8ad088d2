// What docs/neurotrigger/extending.md shows, compiled and run. The page quotes this file word for word.

#include "core/base/error.h"
#include "core/io/atomic_file.h"
#include "core/linalg/stats.h"

#include "nn/graph/graph.h"

#include "apps/neurotrigger/data/filters.h"
#include "apps/neurotrigger/data/kinematics.h"
#include "apps/neurotrigger/data/simulator.h"
#include "apps/neurotrigger/data/track_file.h"
#include "apps/neurotrigger/data/track_text.h"
#include "apps/neurotrigger/look/plots.h"
#include "apps/neurotrigger/train/models.h"

#include <doctest/doctest.h>

#include <bit>

#include "tests/support/temp_folder.h"

using namespace thimble;
using namespace thimble::neurotrigger;

namespace {

/// Tracks with hits in at least `least` super layers.
Mask keep_full_tracks(const Dataset& data, int least) {
  Mask mask(static_cast<std::size_t>(data.rows()), 0);
  for (std::int64_t row = 0; row < data.rows(); ++row) {
    const float* input = data.inputs.data<float>() + row * static_cast<std::int64_t>(kInputs);
    mask[static_cast<std::size_t>(row)] = std::popcount(layers_hit(input)) >= least;
  }
  return mask;
}

/// Distribution of |reco - network| z on a logarithmic axis: the tail that a standard deviation hides.
Plot tail_plot(const PlotRows& rows, const std::string& title) {
  std::vector<double> distance;
  for (const double d : rows.difference) distance.push_back(std::abs(d));
  const linalg::Histogram histogram = linalg::histogram(distance, 50);
  Plot plot;
  plot.figure.name = "z-tail";
  plot.figure.title = title;
  plot.figure.x.label = "|reco z - network z|";
  plot.figure.x.unit = "cm";
  plot.figure.y.label = "tracks";
  plot.figure.y.log = true;
  plot.figure.series.push_back(report::histogram_series("network", histogram));
  plot.statistics = {{"count", static_cast<double>(distance.size())}, {"mean", linalg::mean(distance)}};
  return plot;
}

/// 27-40-20-out with softsign behind every layer.
nn::Graph narrow_model(std::int64_t outputs) {
  const Activation softsign(act_from_name("softsign"));
  nn::Graph model(Shape{static_cast<std::int64_t>(kInputs)});
  model.add("net_0", nn::Linear(kInputs, 40)).add("net_1", nn::Activate{softsign});
  model.add("net_2", nn::Linear(40, 20)).add("net_3", nn::Activate{softsign});
  model.add("net_4", nn::Linear(20, outputs)).add("net_5", nn::Activate{softsign});
  return model;
}

}  // namespace

TEST_CASE("The data set in code: simulate, choose, write, read [NT F30]") {
  const test::TempFolder folder;
  const Dataset tracks = simulate_tracks(simulation_preset("ideal"), /*seed=*/1, "example", 2000);
  const Dataset expert_0 = tracks.select(tracks.rows_of(0));
  io::atomic_replace(folder / "expert0.csv", track_text(expert_0));
  const Dataset again = read_tracks(folder / "expert0.csv");
  CHECK(again.rows() == expert_0.rows());
  CHECK(again.inputs.shape() == Shape{again.rows(), 27});  // relID, driftT, alpha of nine super layers
  CHECK(again.targets.shape() == Shape{again.rows(), 2});  // z / 100 cm, (theta - 10 deg) / 80 deg - 1
}

TEST_CASE("An own filter, an own plot and an own model take part like the shipped ones [NT F30]") {
  const Dataset tracks = simulate_tracks(simulation_preset("ideal"), 1, "example", 2000);
  const std::vector<std::int64_t> full = rows_of(keep_full_tracks(tracks, 9));
  CHECK(!full.empty());
  CHECK(full.size() < static_cast<std::size_t>(tracks.rows()));

  nn::Graph model = narrow_model(2);
  start_weights(model, "default", Stream(1).stream("example"));
  const Dataset chosen = tracks.select(full);
  const Tensor outputs = predict(model, chosen.inputs);
  CHECK(outputs.shape() == Shape{chosen.rows(), 2});

  const Compared compared{chosen.targets, outputs, chosen.old, chosen.has_old};
  const Plot plot = tail_plot(plot_rows(compared), "untrained");
  CHECK(plot.statistics[0].second == static_cast<double>(chosen.rows()));
}
