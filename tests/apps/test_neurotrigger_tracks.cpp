#include "apps/neurotrigger/preprocess.h"
#include "apps/neurotrigger/track_model.h"

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
