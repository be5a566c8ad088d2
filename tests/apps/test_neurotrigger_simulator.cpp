#include "core/base/error.h"
#include "core/parallel/blocks.h"

#include "apps/neurotrigger/data/scaling.h"
#include "apps/neurotrigger/data/simulator.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

using namespace thimble;
using namespace thimble::neurotrigger;

namespace {

bool same_bits(const Dataset& a, const Dataset& b) {
  return a.experts == b.experts && a.inputs.to_vector() == b.inputs.to_vector() &&
         a.targets.to_vector() == b.targets.to_vector();
}

}  // namespace

TEST_CASE("A track of the specification crosses the wires it should [NT N01]") {
  // Golden numbers: section 7.2 of the NeuroTrigger specification.
  const SimulatedTrack t = simulate_track({1.0, 1.0, 0.5, 1.2, 3.0});
  const std::array<int, 9> wires{12, 7, 13, 17, 15, 11, 16, 21, 16}, times{39, 12, 80, 66, 62, 27, 39, 24, 22},
      sides{-1, 1, -1, 1, -1, 1, -1, -1, -1};
  for (std::size_t s = 0; s < kSuperLayers; ++s) {
    CHECK(t.hits[s].wire == wires[s]);
    CHECK(t.hits[s].time == times[s]);
    CHECK(t.hits[s].side == sides[s]);
  }
  CHECK(t.finder.omega == doctest::Approx(0.004408712618).epsilon(1e-9));
  CHECK(t.finder.phi == doctest::Approx(0.4908738521).epsilon(1e-9));
  const std::array<std::pair<std::size_t, double>, 9> inputs{{{0, 0.30589797},
                                                              {1, -0.15234375},
                                                              {2, 0.02183006},
                                                              {3, 0.03702661},
                                                              {4, 0.046875},
                                                              {5, 0.03236049},
                                                              {24, 0.21731696},
                                                              {25, -0.0859375},
                                                              {26, 0.1175583}}};
  for (const auto& [at, value] : inputs) CHECK(t.inputs[at] == doctest::Approx(value).epsilon(1e-7));
  CHECK(t.expert == 0);
  CHECK(t.y_z == doctest::Approx(0.03));
  CHECK(t.y_theta == doctest::Approx(-0.26556330731).epsilon(1e-10));
}

TEST_CASE("The pattern of super layers with a hit chooses the expert") {
  CHECK(expert_of_pattern(0b111111111) == 0);
  CHECK(expert_of_pattern(0b101111111) == 1);
  CHECK(expert_of_pattern(0b111011111) == 2);
  CHECK(expert_of_pattern(0b111110111) == 3);
  CHECK(expert_of_pattern(0b111111101) == 4);
  CHECK(expert_of_pattern(0b011111111) == 0);   // four of five axial layers are enough
  CHECK(expert_of_pattern(0b011111110) == -1);  // three are not
  CHECK(expert_of_pattern(0b101011111) == -1);  // two stereo layers missing
}

TEST_CASE("Expert shares of the simulated presets are those of the specification [NT N01]") {
  // Shares: section 7.4; 60,000 tracks give a statistical error below 0.002.
  struct Case {
    const char* preset;
    std::array<double, 5> share;
  };
  const std::array<Case, 2> cases{
      {{"ideal", {.577, .054, .032, .039, .043}}, {"data-like", {.280, .040, .032, .037, .085}}}};
  constexpr std::int64_t kCount = 60'000;
  for (const Case& c : cases) {
    const Dataset data = simulate_tracks(simulation_preset(c.preset), 1, "test", kCount);
    for (int e = 0; e < 5; ++e) {
      const double share = static_cast<double>(data.rows_of(e).size()) / static_cast<double>(kCount);
      CHECK_MESSAGE(std::abs(share - c.share[static_cast<std::size_t>(e)]) < 0.008, c.preset, " expert ", e, ": ",
                    share);
    }
  }
}

TEST_CASE("Simulated tracks do not depend on the number of threads [NT N01]") {
  const SimulationOptions options = simulation_preset("data-like");
  const int before = threads();
  set_threads(1);
  const Dataset one = simulate_tracks(options, 7, "train", 9'000);
  set_threads(4);
  const Dataset four = simulate_tracks(options, 7, "train", 9'000);
  set_threads(before);
  CHECK(same_bits(one, four));
  const Dataset shorter = simulate_tracks(options, 7, "train", 5'000);
  CHECK(std::equal(shorter.experts.begin(), shorter.experts.end(), one.experts.begin()));
  CHECK_FALSE(same_bits(one, simulate_tracks(options, 8, "train", 9'000)));
  CHECK_FALSE(same_bits(one, simulate_tracks(options, 7, "validation", 9'000)));
}

TEST_CASE("Simulated inputs stay in the range that the hardware accepts") {
  const Dataset data = simulate_tracks(simulation_preset("data-like"), 3, "test", 20'000);
  for (const double x : data.inputs.to_vector()) CHECK_MESSAGE(std::abs(x) <= 1.0, x);
  for (const double y : data.targets.to_vector()) CHECK_MESSAGE(std::abs(y) <= 1.0, y);
}

TEST_CASE("The mixture imitates recorded data: narrow peak at the collision point, background at +45 cm") {
  SimulationOptions options = simulation_preset("data-like");
  options.z_shape = ZShape::mixture;
  int narrow = 0, background = 0;
  constexpr int kCount = 20'000;
  for (int i = 0; i < kCount; ++i) {
    const double z = random_track(options, 5, "test", i).z0;
    narrow += std::abs(z) < 1.0;
    background += z > 25.0 && z < 65.0;
  }
  CHECK(narrow / double{kCount} == doctest::Approx(0.47).epsilon(0.05));
  CHECK(background / double{kCount} == doctest::Approx(0.25).epsilon(0.08));
}

TEST_CASE("An unknown preset is refused with the nearest name") {
  CHECK_THROWS_WITH_AS(simulation_preset("ideall"), doctest::Contains("ideall"), Error);
}

TEST_CASE("Scaled values and physical units map onto each other [NT F05]") {
  CHECK(z_to_cm(0.555959) == doctest::Approx(55.5959).epsilon(1e-9));
  CHECK(theta_to_degrees(0.337421) == doctest::Approx(116.99368).epsilon(1e-9));
  const Tensor scaled = Tensor::from(std::vector<float>{-1.f, 1.f, 0.25f, -0.5f}, {2, 2});
  const std::vector<double> physics = to_physics(scaled).to_vector();
  CHECK(physics[0] == doctest::Approx(-100.0));
  CHECK(physics[1] == doctest::Approx(170.0));
  const std::vector<double> back = to_scaled(to_physics(scaled)).to_vector(), first = scaled.to_vector();
  for (std::size_t i = 0; i < back.size(); ++i) CHECK(std::abs(back[i] - first[i]) < 1e-6);
  const Tensor only_z = Tensor::from(std::vector<float>{0.5f}, {1, 1});
  CHECK(to_physics(only_z).item() == doctest::Approx(50.0));
  CHECK_THROWS_AS(to_physics(Tensor::zeros({1, 3})), Error);
  CHECK(word_to_scaled(-4095.0) == -1.0);
  CHECK(word_to_scaled(4096.0) == 1.0);
}
