#include "core/base/error.h"
#include "core/io/json.h"

#include "apps/neurotrigger/data/filters.h"
#include "apps/neurotrigger/data/preprocess.h"
#include "apps/neurotrigger/data/track_file.h"
#include "apps/neurotrigger/look/metrics.h"
#include "apps/neurotrigger/train/weights_file.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cmath>

#include "tests/support/shared_data.h"

using namespace thimble;
using namespace thimble::neurotrigger;

namespace {

/// tanh(x/2) after both layers, in double, rounded to float at the end: the reference network written out.
Tensor run_reference(const State& state, const Tensor& inputs) {
  const Tensor &w0 = *find_tensor(state, "net.0.weight"), &b0 = *find_tensor(state, "net.0.bias"),
               &w1 = *find_tensor(state, "net.2.weight"), &b1 = *find_tensor(state, "net.2.bias");
  const auto layer = [](const Tensor& w, const Tensor& b, const std::vector<double>& x) {
    std::vector<double> y(static_cast<std::size_t>(w.size(0)));
    for (std::size_t o = 0; o < y.size(); ++o) {
      double sum = static_cast<double>(b.data<float>()[o]);
      for (std::size_t i = 0; i < x.size(); ++i) sum += static_cast<double>(w.data<float>()[o * x.size() + i]) * x[i];
      y[o] = std::tanh(sum / 2.0);
    }
    return y;
  };
  Tensor out = Tensor::empty({inputs.size(0), 2});
  for (std::int64_t row = 0; row < inputs.size(0); ++row) {
    const float* from = inputs.data<float>() + row * static_cast<std::int64_t>(kInputs);
    const std::vector<double> y = layer(w1, b1, layer(w0, b0, std::vector<double>(from, from + kInputs)));
    for (std::size_t c = 0; c < 2; ++c)
      out.mut<float>()[2 * row + static_cast<std::int64_t>(c)] = static_cast<float>(y[c]);
  }
  return out;
}

Compared compare(const Dataset& data, const State& state, const std::vector<std::int64_t>& rows) {
  const Dataset own = data.select(rows);
  return {own.targets, run_reference(state, own.inputs), own.old, own.has_old};
}

void check_near(Maybe value, const nlohmann::json& expected) {
  REQUIRE(value);
  CHECK(*value == doctest::Approx(expected.get<double>()).epsilon(2e-6));
}

/// One group of metrics.json: the split's losses and spreads, and the values of a validation epoch with batch 2048.
void check_group(const Dataset& data, const Networks& networks, const Mask& mask, const nlohmann::json& split,
                 const nlohmann::json& epochs) {
  std::vector<Compared> parts;
  for (const auto& [key, loss] : split.at("loss").items()) {
    const int expert = std::stoi(key);
    std::vector<std::int64_t> rows;
    for (const std::int64_t row : data.rows_of(expert))
      if (mask[static_cast<std::size_t>(row)] != 0) rows.push_back(row);
    parts.push_back(compare(data, networks.at(expert), rows));
    const Merit merit = merit_of(parts.back());
    CHECK(merit.rows == split.at("n").at(key).get<std::int64_t>());
    check_near(merit.loss, loss);
    check_near(merit.z_std, split.at("std").at(key));
    if (epochs.is_null()) continue;
    const nlohmann::json& expected = epochs.at("expert_" + key);
    const EpochValues epoch = validation_epoch(parts.back(), 2048);
    check_near(epoch.val_loss, expected.at("val_loss"));
    check_near(epoch.val_loss_vs_old_loss, expected.at("val_loss_vs_old_loss"));
    check_near(epoch.val_z_diff_std, expected.at("val_z_diff_std"));
    check_near(epoch.val_z_diff_std_vs_old, expected.at("val_z_diff_std_vs_old"));
  }
  const Merit all = merit_of(join(parts));
  check_near(all.loss, split.at("loss_overall"));
  check_near(all.z_std, split.at("std_overall"));
}

}  // namespace

TEST_CASE("Losses and spreads of the reference networks are those of the original trainer [NT F23]") {
  THIMBLE_SHARED(folder, "data/neurotrigger");
  const nlohmann::json expected = io::read_json(folder / "metrics.json");
  const Networks networks = read_weights(folder / "weights_ref.json");
  const Dataset all = read_tracks(folder / "test_data.csv.gz"), few = read_tracks(folder / "test_data_filter.csv");
  const nlohmann::json& full = expected.at("full_file_all_experts");
  check_group(all, networks, keep_all(all), full.at("unfiltered"), full.at("val_epoch"));
  const nlohmann::json& filtered = expected.at("filter_file_experts_0_3_4_DuplicateEventsFilter");
  check_group(few, networks, keep_all(few), filtered.at("unfiltered"), nullptr);
  check_group(few, networks, keep_first_of_target(few), filtered.at("filtered"), filtered.at("val_epoch"));
}

TEST_CASE("The old network on recorded tracks has the spreads and the cut efficiencies of the specification") {
  // Golden numbers: section 3.6, differences with divisor n.
  THIMBLE_SHARED(folder, "data/neurotrigger");
  const Dataset data = read_tracks(folder / "test_data.csv.gz");
  const Compared all{data.targets, data.old, data.old, true};
  const Merit merit = merit_of(all);
  CHECK(*merit.loss == doctest::Approx(0.033802).epsilon(1e-4));
  CHECK(*merit.z_trimmed_cm == doctest::Approx(11.31).epsilon(1e-3));
  CHECK(*merit.theta_trimmed_deg == doctest::Approx(8.80).epsilon(1e-3));
  CHECK(*merit.z_mean_cm == doctest::Approx(3.54).epsilon(2e-3));
  CHECK(*merit.loss_vs_old == doctest::Approx(1.0));
  const std::array<double, 5> trimmed{9.77, 13.48, 12.49, 12.27, 22.63};
  for (int e = 0; e < 5; ++e) {
    const Dataset own = data.select(data.rows_of(e));
    const Merit m = merit_of({own.targets, own.old, own.old, true});
    CHECK(*m.z_trimmed_cm == doctest::Approx(trimmed[static_cast<std::size_t>(e)]).epsilon(1e-3));
  }
  const std::vector<CutPoint> cuts = cut_curve(data.targets, data.old, {15.0, 20.0});
  CHECK(cuts[0].efficiency == doctest::Approx(0.871).epsilon(1e-3));
  CHECK(1.0 - cuts[0].rejection == doctest::Approx(0.220).epsilon(3e-3));
  CHECK(cuts[1].efficiency == doctest::Approx(0.924).epsilon(1e-3));
  CHECK(1.0 - cuts[1].rejection == doctest::Approx(0.298).epsilon(3e-3));
}

TEST_CASE("Figures of merit that do not exist are missing, never NaN") {
  const Merit none = merit_of({Tensor::zeros({0, 2}), Tensor::zeros({0, 2}), Tensor::zeros({0, 2}), true});
  CHECK_FALSE(none.loss);
  CHECK_FALSE(none.z_std);
  const Merit one = merit_of({Tensor::zeros({1, 2}), Tensor::zeros({1, 1}), Tensor::zeros({1, 2}), false});
  CHECK(*one.loss == 0.0);
  CHECK_FALSE(one.z_std);  // the divisor n-1 needs two rows
  CHECK_FALSE(one.loss_old);
  CHECK_FALSE(one.theta_trimmed_deg);  // z only
}

TEST_CASE("The fixed-point reference wire is that of the firmware") {
  // Golden numbers: the worked example of section 8.1.
  constexpr double phi0 = 4.535674393620264, omega = 0.00749481145;
  const std::array<std::int64_t, 9> alpha{304, 451, 619, 792, 960, 1137, 1309, 1490, 1668},
      scale{6519, 6519, 7823, 9127, 10430, 11734, 13038, 14342, 15646},
      reference{29084, 28850, 34300, 39632, 44862, 49964, 54969, 59833, 64593};
  for (std::size_t s = 0; s < kSuperLayers; ++s) {
    CHECK(fixed_alpha(kChamber[s].radius, omega) == alpha[s]);
    CHECK(fixed_wire_scale(kChamber[s].wires) == scale[s]);
    CHECK(fixed_reference(kChamber[s].radius, kChamber[s].wires, phi0, omega) == reference[s]);
  }
  CHECK(fixed_alpha(100.0, -0.03) == -6434);  // beyond the turning point: -pi/2
}
