#include "apps/neurotrigger/data/preprocess.h"
#include "apps/neurotrigger/data/track_model.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/apps/neurotrigger_reference.h"
#include "tests/support/shared_data.h"

using namespace thimble;
using namespace thimble::neurotrigger;

TEST_CASE("All noise-free reference tracks are met: wires, drift bins, sides, inputs, experts [NT N01]") {
  THIMBLE_SHARED(path, "data/neurotrigger/ntref.h5");
  const io::Hdf5Tree tree = test::read_reference(path.string());
  const auto real = [&](const char* name) { return test::doubles(tree, std::string("/tracks/") + name); };
  const auto whole = [&](const char* name) { return test::integers(tree, std::string("/tracks/") + name); };
  const auto q = real("q"), pt = real("pt"), phi0 = real("phi0"), theta = real("theta"), z0 = real("z0"),
             wq = real("wq"), phq = real("phq"), z = real("z"), dist = real("dist"), relid = real("relid"),
             x = real("x"), y = real("y");
  const auto id = whole("id"), sign = whole("sign"), tbin = whole("tbin"), hit = whole("hit"), expert = whole("expert");
  REQUIRE(q.size() == 200);
  for (std::size_t i = 0; i < q.size(); ++i) {
    CAPTURE(i);
    const SimulatedTrack t = simulate_track({q[i], pt[i], phi0[i], theta[i], z0[i]});
    CHECK(t.expert == expert[i]);
    CHECK(t.finder.omega == doctest::Approx(wq[i]).epsilon(1e-12));
    CHECK(t.finder.phi == doctest::Approx(phq[i]).epsilon(1e-12));
    CHECK(t.y_z == doctest::Approx(y[2 * i]).epsilon(1e-6));
    CHECK(t.y_theta == doctest::Approx(y[2 * i + 1]).epsilon(1e-6));
    for (std::size_t s = 0; s < kSuperLayers; ++s) {
      CAPTURE(s);
      const std::size_t at = 9 * i + s;
      const Hit& h = t.hits[s];
      CHECK(h.wire == id[at]);
      CHECK(h.used == (hit[at] != 0));
      if (id[at] < 0) continue;
      CHECK(h.time == tbin[at]);
      CHECK(h.side == sign[at]);
      CHECK(std::abs(h.z - z[at]) < 1e-9);
      CHECK(std::abs(h.distance - dist[at]) < 1e-9);
      CHECK(std::abs(h.relative - relid[at]) < 1e-9);
    }
    for (std::size_t k = 0; k < kInputs; ++k) CHECK(std::abs(t.inputs[k] - x[27 * i + k]) < 1e-6);
  }
}

TEST_CASE("The fixed-point preprocessing has the integers of the firmware for all reference tracks") {
  THIMBLE_SHARED(path, "data/neurotrigger/ntref.h5");
  const io::Hdf5Tree tree = test::read_reference(path.string());
  const auto real = [&](const char* name) { return test::doubles(tree, std::string("/preproc/") + name); };
  const auto whole = [&](const char* name) { return test::integers(tree, std::string("/preproc/") + name); };
  const auto phi0 = real("phi0"), omega = real("omega"), alpha = real("alpha"), id_ref = real("id_ref");
  const auto alpha_fix = whole("alpha_fix"), id_fix = whole("id_ref_fix");
  REQUIRE(phi0.size() == 64);
  REQUIRE(alpha.size() == 64 * 9 * 2);
  for (std::size_t i = 0; i < phi0.size(); ++i)
    for (std::size_t s = 0; s < kSuperLayers; ++s)
      for (std::size_t second = 0; second < 2; ++second) {
        const std::size_t at = (i * 9 + s) * 2 + second;
        const double radius = second == 0 ? kChamber[s].radius : kChamber[s].radius2;
        CHECK(fixed_alpha(radius, omega[i]) == alpha_fix[at]);
        CHECK(fixed_reference(radius, kChamber[s].wires, phi0[i], omega[i]) == id_fix[at]);
        CHECK(std::abs(crossing_angle_of(radius, omega[i]) - alpha[at]) < 1e-6);
        CHECK(std::abs(reference_id(radius, kChamber[s].wires, phi0[i], omega[i]) - id_ref[at]) < 1e-4);
      }
}

TEST_CASE("The preprocessing example of the specification: angles and reference wires of one track [NT N02]") {
  // Golden: section 8.1 of the specification.
  const double phi0 = 4.535674393620264, omega = 0.00749481145;
  const std::array<std::int64_t, 9> alpha{304, 451, 619, 792, 960, 1137, 1309, 1490, 1668};
  const std::array<std::int64_t, 9> reference{29084, 28850, 34300, 39632, 44862, 49964, 54969, 59833, 64593};
  const std::array<std::int64_t, 9> scale{6519, 6519, 7823, 9127, 10430, 11734, 13038, 14342, 15646};
  for (std::size_t s = 0; s < kSuperLayers; ++s) {
    CHECK(fixed_alpha(kChamber[s].radius, omega) == alpha[s]);
    CHECK(fixed_wire_scale(kChamber[s].wires) == scale[s]);
    CHECK(fixed_reference(kChamber[s].radius, kChamber[s].wires, phi0, omega) == reference[s]);
  }
  TrackWords track{phi0, omega, 10, {}};
  track.hits[0] = {true, 113, 3, 110, -1};  // 113 wires - 29084/256 = -156/256, times 0.5
  track.hits[1] = {true, 108, 3, 400, 1};   // 108 - 28850/256 = -1202/256 = -4.695; (+4) * 0.25; time cut to 256
  track.hits[2] = {true, 140, 3, 30, 1};    // 6 wires off: outside the relevant range
  const auto x = fixed_inputs(track);
  CHECK(x[0] == -156 * 8);
  CHECK(x[1] == -100 * 16);
  CHECK(x[2] == 152);
  CHECK(x[3] == (-1202 + 4 * 256) * 4);
  CHECK(x[4] == 4096);
  CHECK(x[5] == 225);
  for (std::size_t k = 6; k < kInputs; ++k) CHECK(x[k] == 0);
}

TEST_CASE("A hit of the second priority is half a wire aside and uses the second radius, and wires wrap [NT N02]") {
  const HitWords first{true, 0, 3, 0, 0}, right{true, 0, 1, 0, 0}, left{true, 0, 2, 0, 0};
  CHECK(fixed_relative(0, left, 0.0, 0.0) - fixed_relative(0, first, 0.0, 0.0) == 128);
  CHECK(fixed_relative(0, right, 0.0, 0.0) - fixed_relative(0, first, 0.0, 0.0) == -128);
  const double omega = 0.004;
  CHECK(fixed_relative(0, left, 1.0, omega) == 128 - fixed_reference(kChamber[0].radius2, 160, 1.0, omega));
  CHECK(fixed_relative(0, {true, 159, 3, 0, 0}, 0.0, 0.0) == -256);
  CHECK(fixed_relative(0, first, 6.28318530717958, 0.0) ==
        160 * 256 - fixed_reference(kChamber[0].radius, 160, 6.28318530717958, 0.0));
}

TEST_CASE(
    "From finder and hits of the reference tracks to their inputs in integers, as exact as the words allow [NT N02]") {
  THIMBLE_SHARED(path, "data/neurotrigger/ntref.h5");
  const io::Hdf5Tree tree = test::read_reference(path.string());
  const auto real = [&](const char* name) { return test::doubles(tree, std::string("/tracks/") + name); };
  const auto whole = [&](const char* name) { return test::integers(tree, std::string("/tracks/") + name); };
  const auto wq = real("wq"), phq = real("phq"), relid = real("relid"), x = real("x");
  const auto id = whole("id"), sign = whole("sign"), tbin = whole("tbin"), hit = whole("hit");
  int compared = 0;
  for (std::size_t i = 0; i < wq.size(); ++i) {
    TrackWords track{phq[i], wq[i], 0, {}};
    for (std::size_t s = 0; s < kSuperLayers; ++s)
      if (id[9 * i + s] >= 0)
        track.hits[s] = {true, id[9 * i + s], 3, static_cast<int>(tbin[9 * i + s]), static_cast<int>(sign[9 * i + s])};
    const auto words = fixed_inputs(track);
    for (std::size_t s = 0; s < kSuperLayers; ++s) {
      const std::size_t at = 9 * i + s;
      // angles carry 2^-12 radians, wires per radian 2^-8: together 0.04 wires at most
      constexpr double kWires = 0.04;
      const bool edge = id[at] >= 0 && (std::abs(relid[at] - kChamber[s].low) < kWires ||
                                        std::abs(relid[at] - kChamber[s].high) < kWires);
      if (id[at] < 0 || edge) continue;
      const double* expected = x.data() + 27 * i + 3 * s;
      if (hit[at] == 0) {
        CHECK(words[3 * s] == 0);
        CHECK(words[3 * s + 1] == 0);
        continue;
      }
      ++compared;
      CHECK(std::abs(static_cast<double>(words[3 * s]) / 4096 - expected[0]) < kChamber[s].scale * kWires);
      CHECK(static_cast<double>(words[3 * s + 1]) / 4096 == expected[1]);
      CHECK(std::abs(static_cast<double>(words[3 * s + 2]) / 4096 - expected[2]) < 1.01 / 4096);
    }
  }
  CHECK(compared > 1000);
}

TEST_CASE("The fault id_shuffle changes five inputs as it was recorded and leaves the others [NT N02]") {
  Tensor x = Tensor::full({2, 27}, 0.5);
  shuffle_ids(x);
  const float* row = x.data<float>() + 27;
  for (std::size_t k = 0; k < 27; ++k) {
    const double expected = k == 0 ? 0.125 : k == 3 ? 0.31 : k == 9 ? 0.38 : k == 12 ? 0.25 : k == 24 ? 0.62 : 0.5;
    CHECK(static_cast<double>(row[k]) == doctest::Approx(expected).epsilon(1e-6));
  }
}
