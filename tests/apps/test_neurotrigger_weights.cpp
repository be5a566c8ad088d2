#include "core/base/error.h"
#include "core/io/file.h"

#include "apps/neurotrigger/train/weights_file.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/support/shared_data.h"

using namespace thimble;
using namespace thimble::neurotrigger;

TEST_CASE("weights.json keeps every bit of every float [NT F28]") {
  const std::vector<float> values{0.1f, -1.0f / 3.0f, 1e-38f, 63.0f, -0.0f, 3.4e38f};
  const State state{{"net.0.weight", Tensor::from(values, {2, 3})}, {"net.0.bias", Tensor::from(values, {6})}};
  const std::string json = weights_json({{0, state}, {4, state}});
  const Networks back = parse_weights(json, "weights.json");
  REQUIRE(back.size() == 2);
  for (const auto& [name, tensor] : back.at(4)) {
    REQUIRE(find_tensor(state, name) != nullptr);
    CHECK(find_tensor(state, name)->shape() == tensor.shape());
    CHECK(std::equal(values.begin(), values.end(), tensor.data<float>()));
  }
  CHECK(json.find("0.10000000149011612") != std::string::npos);
}

TEST_CASE("The reference weights are read and written back byte for byte [NT F28]") {
  THIMBLE_SHARED(path, "data/neurotrigger/weights_ref.json");
  const std::string original = io::read_file(path);
  Networks networks = parse_weights(original, path.string());
  REQUIRE(networks.size() == 5);
  CHECK(find_tensor(networks.at(0), "net.0.weight")->shape() == Shape{81, 27});
  // keys come back sorted; the original writes them in the order of the layers
  const std::vector<std::string> order{"net.0.weight", "net.0.bias", "net.2.weight", "net.2.bias"};
  for (auto& [expert, state] : networks) {
    State sorted;
    for (const std::string& name : order) sorted.emplace_back(name, *find_tensor(state, name));
    state = sorted;
  }
  CHECK(weights_json(networks) == original);
}

TEST_CASE("weights.json with a wrong shape, a text or no expert is refused with the place") {
  const char* const bad[] = {
      R"({"expert_0": {"shapes": {"model.net.0.bias": [3]}, "weights": {"model.net.0.bias": [1.0, 2.0]}}})",
      R"({"expert_0": {"shapes": {"model.net.0.bias": [1]}, "weights": {"model.net.0.bias": ["x"]}}})",
      R"({"expert_0": {"shapes": {"model.net.0.bias": [1]}, "weights": {"model.net.0.bias": [1e300]}}})",
      R"({"expert_0": {"shapes": {"model.net.0.bias": [-1]}, "weights": {"model.net.0.bias": []}}})",
      R"({"expert_0": {"shapes": {"model.net.0.bias": [1]}}})",
      R"({"expert_9": {}})",
      "[1, 2]",
  };
  for (const char* text : bad) CHECK_THROWS_AS(parse_weights(text, "weights.json"), Error);
  CHECK_THROWS_WITH_AS(parse_weights(bad[0], "weights.json"), doctest::Contains("[3]"), Error);
}
