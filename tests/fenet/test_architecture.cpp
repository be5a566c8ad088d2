// The shape of a FENet: presets, counts, start values and refusals.
#include "core/base/error.h"

#include "apps/fenet/model/architecture.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/support/error_of.h"

using namespace thimble;
using namespace thimble::fenet;

TEST_CASE("[FN F12] the presets have the published weights, lengths, operations and exact multiply-adds") {
  struct Row {
    const char* name;
    std::int64_t weights, operations, macs;
    std::vector<std::int64_t> lengths;
  };
  for (const Row& row : {Row{"db20", 560, 88800, 89840, {469, 254, 146, 92, 65, 52, 45}},
                         Row{"db20-6", 480, 85360, 86240, {469, 254, 146, 92, 65, 52}},
                         Row{"efficient", 128, 17880, 18128, {301, 165, 97}},
                         Row{"genial-57", 236, 9088, 9396, {303, 156, 6, 1, 1, 1, 1}},
                         Row{"desert-21", 260, 6588, 6868, {152, 42, 7, 1, 7, 2}}}) {
    CAPTURE(row.name);
    const Architecture a = preset(row.name);
    CHECK(a.chain().weights() == row.weights);
    CHECK(a.chain().lengths(900) == row.lengths);
    CHECK(published_operations(a) == row.operations);
    CHECK(exact_macs(a) == row.macs);
    CHECK(a.features() == static_cast<std::int64_t>(row.lengths.size()) + 1);
    CHECK(nn::total(nn::costs(build_graph(a, 900))).macs == row.macs);
  }
  CHECK(presets().size() == 5);
}

TEST_CASE("[FN F05] a new network holds Daubechies filters and refuses kernels that have none") {
  Architecture a = preset("efficient");
  a.kernels = {4, 30, 2};
  nn::Graph graph = build_graph(a, 900);
  initialise(graph, a);
  const auto& bank = std::get<nn::WaveletBank>(*graph.find("layers"));
  const std::vector<double> low = bank.filters[0].pass.value.to_vector(), high = bank.filters[0].feat.value.to_vector();
  CHECK(low[0] == doctest::Approx(0.48296291314453).epsilon(1e-7));
  CHECK(high[0] == doctest::Approx(-0.12940952255126).epsilon(1e-7));
  CHECK(high[3] == doctest::Approx(-0.48296291314453).epsilon(1e-7));
  for (const int taps : {1, 3, 39, 42}) {
    Architecture odd = a;
    odd.kernels[1] = taps;
    nn::Graph other = build_graph(odd, 900);
    CHECK_THROWS_WITH_AS(
        initialise(other, odd),
        doctest::Contains(text::cat("kernel2 is ", taps, ", Daubechies filters have an even number of taps").c_str()),
        Error);
  }
}

TEST_CASE("[FN F02] architectures that do not fit together are refused with the key") {
  const auto message = [](const auto& change) {
    Architecture a = preset("efficient");
    change(a);
    try {
      a.chain();
    } catch (const Error& e) {
      CHECK(e.kind() == ErrorKind::config);
      return e.message();
    }
    return std::string("accepted");
  };
  CHECK(message([](Architecture& a) { a.strides.pop_back(); }) == "model.strides has 2 entries for 3 levels");
  CHECK(message([](Architecture& a) { a.relu_powers.push_back(0); }) == "model.relu_powers has 4 entries for 3 levels");
  CHECK(message([](Architecture& a) { a.features_by_layer.pop_back(); }) ==
        "model.features_by_layer has 3 entries, wanted 4");
  CHECK(message([](Architecture& a) { a.features_by_layer.back() = 2; }) ==
        "model.features_by_layer ends with 2, the last entry must be 1");
  CHECK(message([](Architecture& a) { a.strides[1] = 0; }) == "model.stride2 is 0, it must lie between 1 and 4096");
  CHECK(message([](Architecture& a) { a.kernels[2] = -4; }) == "model.kernel3 is -4, it must lie between 1 and 4096");
  CHECK(message([](Architecture& a) { a.relu_powers[0] = 16; }) == "model.relu1 is 16, it must lie between 0 and 15");
  CHECK(message([](Architecture& a) {
          a.kernels.clear();
          a.strides.clear();
          a.relu_powers.clear();
          a.features_by_layer = {1};
        }) == "model.n_feat_layers is 1, it must lie between 2 and 33");
  CHECK(test::says(test::error_of([] { preset("eficient"); }), "did you mean 'efficient'?"));
}

TEST_CASE("[FN N3] a network with a grid rounds on its way") {
  Architecture a = preset("efficient");
  a.grid = {true, false, {9, true, 6}, {9, true, 6}};
  nn::Graph graph = build_graph(a, 300);
  initialise(graph, a);
  const Tensor x = Tensor::full({3, 300}, 0.333);
  for (const double v : graph(constant(x)).value().to_vector()) CHECK(v * 64 == std::nearbyint(v * 64));
}
