// Disturbed tracks, sensitivity of the inputs, idle neurons.

#include "apps/neurotrigger/data/kinematics.h"
#include "apps/neurotrigger/data/scaling.h"
#include "apps/neurotrigger/data/simulator.h"
#include "apps/neurotrigger/data/track_file.h"
#include "apps/neurotrigger/study/robustness.h"
#include "apps/neurotrigger/study/sensitivity.h"
#include "apps/neurotrigger/train/models.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/shared_data.h"

using namespace thimble;
using namespace thimble::neurotrigger;

namespace {

using DisturbanceKind = Disturbance::Kind;

Dataset few_tracks(std::int64_t thrown = 2000) {
  return simulate_tracks(simulation_preset("ideal"), 5, "robustness-test", thrown);
}

/// A run with networks of random start weights on the tracks as test split.
RunResult random_networks(const Dataset& data, const std::vector<int>& experts) {
  RunResult run;
  for (const int e : experts) {
    ExpertResult expert;
    expert.outcome.expert = e;
    expert.outcome.status = ExpertStatus::trained;
    expert.outcome.model = build_model({"BaselineModel", "tanh/2"});
    start_weights(expert.outcome.model, "default", Rng(3).stream(std::to_string(e)));
    SplitOutput& output = expert.outputs[2];
    output.rows = data.rows_of(e);
    output.y_hat = predict(expert.outcome.model, gather_rows(data.inputs, output.rows));
    run.own_masks[e] = {Mask(), Mask(), keep_all(data)};
    run.experts.push_back(std::move(expert));
  }
  return run;
}

const RobustnessRow& found(const std::vector<RobustnessRow>& rows, const std::string& name, int network) {
  for (const RobustnessRow& r : rows)
    if (r.disturbance == name && r.network == network) return r;
  FAIL("no row " << name);
  return rows.front();
}

double changed_share(const Tensor& before, const Tensor& after, std::int64_t& hits) {
  std::int64_t changed = 0;
  hits = 0;
  for (std::int64_t i = 1; i < before.numel(); i += 3) {  // driftT of every hit with known side
    if (before.data<float>()[i] == 0.0f) continue;
    ++hits;
    changed += before.data<float>()[i] != after.data<float>()[i] ? 1 : 0;
  }
  return static_cast<double>(changed) / static_cast<double>(hits);
}

}  // namespace

TEST_CASE("A super layer that is off takes its hits away, and the trigger takes the expert that is left [NT N10]") {
  const Dataset data = few_tracks();
  for (std::size_t s = 0; s < kSuperLayers; ++s) {
    CAPTURE(s);
    const DisturbedTracks off = disturbed(data, {DisturbanceKind::drop_layer, static_cast<double>(s)}, 1);
    for (std::int64_t row = 0; row < data.rows(); ++row) {
      const float *before = data.inputs.data<float>() + 27 * row, *after = off.inputs.data<float>() + 27 * row;
      REQUIRE_FALSE(has_hit(after, s));
      for (std::size_t i = 0; i < 27; ++i)
        if (i / 3 != s) REQUIRE(after[i] == before[i]);
      const int expert = data.experts[static_cast<std::size_t>(row)];
      const int missing = kMissingStereo[static_cast<std::size_t>(expert)];
      const bool stereo = kChamber[s].stereo();
      int expected = expert;
      if (stereo && missing != static_cast<int>(s))
        expected = expert != 0 ? -1 : s == 7 ? 1 : s == 5 ? 2 : s == 3 ? 3 : 4;
      REQUIRE(off.experts[static_cast<std::size_t>(row)] == expected);
    }
  }
  for (int e = 0; e < 5; ++e) CHECK(expert_of_stereo(stereo_of_expert(e)) == e);
}

TEST_CASE("A wrong event time moves known drift times, clamped, and leaves sides as they are [NT N10]") {
  Dataset data = empty_dataset(1);
  const std::vector<float> before{0.1f, 10.0f / 256, 0.2f, 0.1f, -250.0f / 256, 0.2f, 0.1f, 0.0f, 0.2f};
  std::copy(before.begin(), before.end(), data.inputs.mut<float>());
  const auto drift = [&](double bins, std::size_t s) {
    return disturbed(data, {DisturbanceKind::time_shift, bins}, 1).inputs.data<float>()[3 * s + 1] * 256;
  };
  CHECK(drift(5, 0) == 15.0f);
  CHECK(drift(-5, 0) == 5.0f);
  CHECK(drift(-20, 0) == 0.0f);
  CHECK(drift(5, 1) == -255.0f);
  CHECK(drift(10, 1) == -256.0f);
  CHECK(drift(20, 2) == 0.0f);  // side not known
  CHECK(drift(20, 3) == 0.0f);  // no hit
}

TEST_CASE("Unknown sides and noise hits come in the wanted share, the same for the same seed [NT N10]") {
  const Dataset data = few_tracks();
  for (const double share : {0.25, 1.0}) {
    const Disturbance d{DisturbanceKind::unknown_side, share};
    const DisturbedTracks first = disturbed(data, d, 11), again = disturbed(data, d, 11),
                          other = disturbed(data, d, 12);
    std::int64_t hits = 0;
    const double changed = changed_share(data.inputs, first.inputs, hits);
    CAPTURE(changed);
    CHECK(std::abs(changed - share) <= 5 * std::sqrt(share * (1 - share) / static_cast<double>(hits)));
    CHECK(first.inputs.to_vector() == again.inputs.to_vector());
    if (share < 1) CHECK(first.inputs.to_vector() != other.inputs.to_vector());
  }
  const DisturbedTracks noisy = disturbed(data, {DisturbanceKind::noise, 0.2}, 11);
  std::int64_t hits = 0;
  // a drawn time equals the old one, side included, for 1 in 513
  const double expected = 0.2 * (1 - 1.0 / 513), changed = changed_share(data.inputs, noisy.inputs, hits);
  CHECK(std::abs(changed - expected) <= 5 * std::sqrt(0.16 / static_cast<double>(hits)));
  for (std::int64_t i = 0; i < data.inputs.numel(); ++i) {
    const float value = noisy.inputs.data<float>()[i];
    if (i % 3 != 1) REQUIRE(value == data.inputs.data<float>()[i]);
    if (i % 3 == 1) REQUIRE(value * 256 == std::round(value * 256));
  }
}

TEST_CASE("Robustness counts lost tracks as not kept and compares the same tracks [NT N10]") {
  const Dataset data = few_tracks();
  const RunResult run = random_networks(data, {0, 1});
  const std::vector<RobustnessRow> rows = robustness_rows(run, data, 1);
  CHECK(rows.size() == 3 * disturbances().size());
  const auto tracks_of = [&](int e) { return static_cast<std::int64_t>(data.rows_of(e).size()); };
  const RobustnessRow& plain = found(rows, "as recorded", kTogether);
  CHECK(plain.tracks == tracks_of(0) + tracks_of(1));  // the others have no network in this run
  CHECK(plain.lost == 0);
  CHECK(plain.moved == 0);
  CHECK(*plain.spread_cm == *plain.spread_before_cm);
  const RobustnessRow& without_7 = found(rows, "without SL7", 0);
  CHECK(without_7.moved == tracks_of(0));  // expert 1 takes over
  CHECK(without_7.lost == 0);
  CHECK(found(rows, "without SL7", 1).moved == 0);
  CHECK(*found(rows, "without SL7", 1).spread_cm == *found(rows, "as recorded", 1).spread_cm);
  const RobustnessRow& without_1 = found(rows, "without SL1", 0);  // would be expert 4, which was not trained
  CHECK(without_1.lost == tracks_of(0));
  CHECK_FALSE(without_1.spread_cm);
  CHECK(*without_1.efficiency == 0.0);
  CHECK(*without_1.far_kept == 0.0);
  // one network for all tracks takes whatever is left
  const std::vector<RobustnessRow> joint = robustness_rows(random_networks(data, {-1}), data, 1);
  CHECK(found(joint, "without SL1", kTogether).lost == 0);
  CHECK(found(joint, "without SL1", kTogether).moved == 0);
}

TEST_CASE("Recorded tracks lose their network by the shares of the experts [NT N10]") {
  THIMBLE_SHARED(folder, "data/neurotrigger");
  const Dataset data = read_tracks(folder / "test_data.csv.gz");
  const Networks networks = read_weights(folder / "weights_ref.json");
  RunResult run;
  for (const auto& [e, state] : networks) {
    ExpertResult expert;
    expert.outcome.expert = e;
    expert.outcome.model = build_model({"BaselineModel", "tanh/2"});
    load_state(expert.outcome.model, state, "weights_ref.json");
    run.experts.push_back(std::move(expert));
  }
  const std::vector<RobustnessRow> rows = robustness_rows(run, data, 1);
  const RobustnessRow& plain = found(rows, "as recorded", 0);
  CHECK(plain.tracks == 3362);
  const Dataset own = data.select(data.rows_of(0));
  const Merit merit = merit_of({own.targets, predict(run.experts[0].outcome.model, own.inputs), own.old, true});
  CHECK(*plain.spread_cm == doctest::Approx(*merit.z_trimmed_cm).epsilon(1e-9));
  CHECK(found(rows, "without SL7", kTogether).lost == 193 + 638 + 324);  // two stereo super layers are missing then
  CHECK(found(rows, "without SL7", kTogether).moved == 3362);
  CHECK(found(rows, "without SL0", kTogether).lost == 0);
  CHECK(*found(rows, "side unknown 100 %", 0).spread_cm > *plain.spread_cm);
  CHECK(*found(rows, "noise hits 20 %", 0).spread_cm > *found(rows, "noise hits 5 %", 0).spread_cm);
}

TEST_CASE("Tracks with hit patterns behind the three inputs are seen like those without [NT N10] [NT N11]") {
  SimulationOptions options = simulation_preset("ideal");
  const Dataset plain = simulate_tracks(options, 5, "patterns-test", 500);
  options.patterns = true;
  const Dataset wide = simulate_tracks(options, 5, "patterns-test", 500);
  REQUIRE(wide.inputs.size(1) == 126);
  REQUIRE(wide.rows() == plain.rows());
  CHECK(transverse_momenta(wide) == transverse_momenta(plain));
  const Disturbance noise{DisturbanceKind::noise, 0.2};
  const DisturbedTracks a = disturbed(plain, noise, 1), b = disturbed(wide, noise, 1);
  const DisturbedTracks off = disturbed(wide, {DisturbanceKind::drop_layer, 5}, 1);
  for (std::int64_t row = 0; row < plain.rows(); ++row)
    for (std::int64_t i = 0; i < 126; ++i) {
      const std::int64_t at = 126 * row + i, layer = i < 27 ? i / 3 : (i - 27) / 11;
      REQUIRE(b.inputs.data<float>()[at] ==
              (i < 27 ? a.inputs.data<float>()[27 * row + i] : wide.inputs.data<float>()[at]));
      REQUIRE(off.inputs.data<float>()[at] == (layer == 5 ? 0.0f : wide.inputs.data<float>()[at]));
    }
  CHECK(input_name(10) == "SL3 driftT");
  CHECK(input_name(27 + 11 * 3 + 4) == "SL3 wire 4");
}

TEST_CASE("The sensitivity is the derivative written out by hand [NT N11]") {
  nn::Graph model = build_model({"BaselineModel", "tanh/2"});
  start_weights(model, "default", Rng(8).stream("sensitivity"));
  const Dataset data = few_tracks(300);
  const State state = state_of(model);
  const Tensor &w0 = *find_tensor(state, "net.0.weight"), &b0 = *find_tensor(state, "net.0.bias"),
               &w1 = *find_tensor(state, "net.2.weight"), &b1 = *find_tensor(state, "net.2.bias");
  const auto at = [](const Tensor& t, std::int64_t i) { return static_cast<double>(t.data<float>()[i]); };
  const Tensor gradients = z_gradients(model, data.inputs);
  REQUIRE(gradients.shape() == Shape{data.rows(), 27});
  std::vector<double> product(27, 0.0);
  for (std::int64_t row = 0; row < data.rows(); ++row) {
    std::vector<double> slope(27, 0.0);
    double z = at(b1, 0);
    for (std::int64_t o = 0; o < 81; ++o) {
      double s = at(b0, o);
      for (std::int64_t i = 0; i < 27; ++i) s += at(w0, 27 * o + i) * at(data.inputs, 27 * row + i);
      const double h = std::tanh(s / 2);
      z += at(w1, o) * h;
      for (std::int64_t i = 0; i < 27; ++i)
        slope[static_cast<std::size_t>(i)] += at(w1, o) * (1 - h * h) / 2 * at(w0, 27 * o + i);
    }
    const double y = std::tanh(z / 2);
    for (std::int64_t i = 0; i < 27; ++i) {
      const double expected = 100 * (1 - y * y) / 2 * slope[static_cast<std::size_t>(i)];
      REQUIRE(std::abs(at(gradients, 27 * row + i) - expected) < 1e-4);
      product[static_cast<std::size_t>(i)] += std::abs(expected * at(data.inputs, 27 * row + i));
    }
  }
  const InputSensitivity s = input_sensitivity(model, data.inputs);
  CHECK(s.tracks == data.rows());
  for (std::size_t i = 0; i < 27; ++i)
    CHECK(s.product_cm[i] == doctest::Approx(product[i] / static_cast<double>(data.rows())).epsilon(1e-4));
  CHECK(input_name(10) == "SL3 driftT");
}

TEST_CASE("Dead, saturated and constant neurons are found, and no other [NT N11]") {
  const Dataset data = few_tracks(500);
  for (const std::string act : {"tanh/2", "relu"}) {
    CAPTURE(act);
    nn::Graph model = build_model({"BaselineModel", act});
    start_weights(model, "default", Rng(9).stream("neurons"));
    const State state = state_of(model);
    const Tensor weight = find_tensor(state, "net.0.weight")->clone(), bias = find_tensor(state, "net.0.bias")->clone();
    std::fill_n(bias.mut<float>(), 81, 0.5f);               // all alive: neither 0 nor at an end for all tracks
    bias.mut<float>()[4] = act == "relu" ? -50.0f : 50.0f;  // 0 always; at its end always
    std::fill_n(weight.mut<float>() + 27 * 7, 27, 0.0f);    // the same for every track
    State changed = state;
    for (auto& [name, tensor] : changed) {
      if (name == "net.0.weight") tensor = weight;
      if (name == "net.0.bias") tensor = bias;
    }
    load_state(model, changed, "test");
    const std::vector<NeuronReport> neurons = neuron_reports(model, data.inputs);
    REQUIRE(neurons.size() == 81);
    CHECK(neurons[4].state == (act == "relu" ? NeuronState::dead : NeuronState::saturated));
    CHECK(neurons[7].state == NeuronState::constant);
    CHECK(neurons[7].reach == doctest::Approx(0.0));
    for (const NeuronReport& n : neurons)
      if (n.neuron != 4 && n.neuron != 7) CHECK(n.state == NeuronState::alive);
    CHECK(neurons[0].layer == "net_1");
  }
}
