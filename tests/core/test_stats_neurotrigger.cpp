// The statistics behind NeuroTrigger's plots, for the old network of the public test rows, against the numbers of
// shared/data/neurotrigger/plots.json (computed by an independent implementation in 32-bit floats).

#include "core/io/json.h"
#include "core/io/table.h"
#include "core/linalg/stats.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

#include "tests/support/shared_data.h"

using namespace thimble;
using namespace thimble::linalg;

namespace {

struct Rows {
  std::vector<float> truth, network, difference;     // z in cm
  std::vector<double> scaled_truth, scaled_network;  // both outputs, in file units
};

/// Rows of one expert, or all for -1.
Rows read_rows(const std::filesystem::path& path, int expert) {
  const io::Table table = io::read_table(path);
  const auto column = [&](const char* name) { return table.column(name); };
  Rows rows;
  for (std::int64_t r = 0; r < table.rows(); ++r) {
    if (expert >= 0 && table.at(r, column("Expert")) != expert) continue;
    const auto z = static_cast<float>(table.at(r, column("RecoZ")));
    const auto old = static_cast<float>(table.at(r, column("ScaleZ")));
    rows.truth.push_back(100 * z);
    rows.network.push_back(100 * old);
    rows.difference.push_back(100 * z - 100 * old);
    for (const char* name : {"RecoZ", "RecoTheta"}) rows.scaled_truth.push_back(table.at(r, column(name)));
    for (const char* name : {"ScaleZ", "ScaleTheta"}) rows.scaled_network.push_back(table.at(r, column(name)));
  }
  return rows;
}

/// At most `moved` values changed their bin: 32-bit edges differ from ours in the last place.
void check_counts(const std::vector<std::int64_t>& ours, const nlohmann::json& theirs, std::int64_t moved) {
  REQUIRE(ours.size() == theirs.size());
  std::int64_t differ = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const std::int64_t difference = std::abs(ours[i] - theirs[i].get<std::int64_t>());
    CHECK(difference <= 1);
    differ += difference;
  }
  CHECK(differ <= 2 * moved);
}

doctest::Approx near(const nlohmann::json& number) {
  return doctest::Approx(number.get<double>()).epsilon(2e-5);
}

void check_plots(const Rows& rows, const nlohmann::json& plots) {
  REQUIRE(rows.truth.size() == plots["n"].get<std::size_t>());
  CHECK(mean(rows.truth) == near(plots["mean_x"]));
  CHECK(standard_deviation(rows.truth, Divisor::n) == near(plots["std_x"]));
  CHECK(mean(rows.network) == near(plots["mean_y"]));
  CHECK(standard_deviation(rows.network, Divisor::n) == near(plots["std_y"]));
  CHECK(mean(rows.difference) == near(plots["z_diff_mean"]));
  CHECK(standard_deviation(rows.difference, Divisor::n) == near(plots["z_diff_std"]));
  CHECK(trimmed_standard_deviation(rows.difference) == near(plots["z_diff_trimmed_std"]));
  const Histogram z = histogram(rows.network, 100), difference = histogram(rows.difference, 100);
  CHECK(z.low == near(plots["z_hist_range"][0]));
  CHECK(z.high == near(plots["z_hist_range"][1]));
  check_counts(z.counts, plots["z_hist_counts"], 3);
  check_counts(difference.counts, plots["z_diff_counts"], 3);
}

void check_shallow(const Rows& rows, const nlohmann::json& plots) {
  std::vector<float> shallow;
  for (std::size_t i = 0; i < rows.truth.size(); ++i) {
    if (std::abs(rows.truth[i]) <= 1) shallow.push_back(rows.difference[i]);
  }
  CHECK(shallow.size() == plots["shallow_n"].get<std::size_t>());
  CHECK(mean(shallow) == near(plots["shallow_mean"]));
  CHECK(standard_deviation(shallow, Divisor::n) == near(plots["shallow_std"]));
  CHECK(trimmed_standard_deviation(shallow) == near(plots["shallow_trimmed_std"]));
}

void check_map(const Rows& rows, const nlohmann::json& plots) {
  const Histogram2d map = histogram_2d(rows.truth, rows.network, 200, 200);
  const auto filled = std::count_if(map.counts.begin(), map.counts.end(), [](std::int64_t n) { return n > 0; });
  CHECK(std::abs(filled - plots["z_plot_nonzero_bins"].get<std::int64_t>()) <= 5);
  const std::int64_t greatest = *std::max_element(map.counts.begin(), map.counts.end());
  CHECK(std::abs(greatest - plots["z_plot_max_bin"].get<std::int64_t>()) <= 1);
}

/// The curve "z-std": sorted z within (-75, 75), every 100th value, trimmed deviation of the rows within 1 cm.
void check_curve(const Rows& rows, const nlohmann::json& plots) {
  std::vector<float> kept;
  for (const float z : rows.truth) {
    if (z > -75 && z < 75) kept.push_back(z);
  }
  std::sort(kept.begin(), kept.end());
  REQUIRE((kept.size() + 99) / 100 == plots["z_std_x"].size());
  for (std::size_t i = 0; i * 100 < kept.size(); ++i) {
    const float v = kept[i * 100];
    CHECK(static_cast<double>(v) == near(plots["z_std_x"][i]));
    std::vector<float> slice;
    for (std::size_t r = 0; r < rows.truth.size(); ++r) {
      if (rows.truth[r] > v - 1 && rows.truth[r] < v + 1) slice.push_back(rows.difference[r]);
    }
    CHECK(trimmed_standard_deviation(slice) == near(plots["z_std_y"][i]));
  }
}

}  // namespace

TEST_CASE("statistics, histograms and the resolution curve of the old network agree with the reference [NT F24]") {
  THIMBLE_SHARED(data, "data/neurotrigger/test_data.csv.gz");
  THIMBLE_SHARED(reference, "data/neurotrigger/plots.json");
  const nlohmann::json plots = io::read_json(reference);
  for (const int expert : {-1, 0}) {
    CAPTURE(expert);
    const Rows rows = read_rows(data, expert);
    const nlohmann::json& old = plots[expert < 0 ? "all_experts" : "expert_0"]["old"];
    check_plots(rows, old);
    check_shallow(rows, old);
    check_map(rows, old);
    check_curve(rows, old);
  }
}

TEST_CASE("the loss of the old network is that of the reference table [NT F23]") {  // neurotrigger.md 3.6
  THIMBLE_SHARED(data, "data/neurotrigger/test_data.csv.gz");
  const double expected[] = {0.025557, 0.050375, 0.035976, 0.038674, 0.083869};
  for (int expert = -1; expert < 5; ++expert) {
    CAPTURE(expert);
    const Rows rows = read_rows(data, expert);
    const double loss = expert < 0 ? 0.033802 : expected[expert];
    CHECK(std::abs(mean_squared_error(rows.scaled_truth, rows.scaled_network) - loss) < 6e-7);
  }
}
