#include "core/io/hash.h"
#include "core/parallel/blocks.h"
#include "core/random/splitmix.h"

#include "hw/emit/stimulus.h"
#include "hw/sim/evaluate.h"
#include "hw/sim/interpreter.h"

#include <doctest/doctest.h>

#include <chrono>

#include "tests/hw/random_graph.h"
#include "tests/hw/reference_nets.h"
#include "tests/support/error_of.h"

using namespace thimble;
using namespace thimble::hw;
using test::belle_net;
using test::dense_net;
using test::error_of;
using test::hardware_data;
using test::says;

namespace {

int differences(const Graph& graph, const Vectors& in) {
  const Vectors out = interpret(graph, in);
  int wrong = 0;
  for (std::size_t r = 0; r < in.rows(); ++r) {
    const auto expected = outputs_of(graph, evaluate(graph, in.row(r)));
    wrong += !std::equal(expected.begin(), expected.end(), out.row(r).begin(), out.row(r).end());
  }
  return wrong;
}

}  // namespace

TEST_CASE("[HW-15] the batch interpreter reproduces the published hashes of 10,000 vectors, on any number of threads") {
  const int before = threads();
  for (const char* file_name : {"mlp_small.json", "jet_mlp.json"}) {
    const auto file = hardware_data(file_name);
    const Interpreter interpreter(dense_net(file));
    const Vectors in = random_vectors(dense_net(file), 10000, file["bulk"]["seed"].get<std::uint64_t>());
    for (const int count : {1, 2, 5}) {
      set_threads(count);
      CHECK(io::sha256_hex(vectors_text(interpreter.run(in))) == file["bulk"]["outputs_sha256"].get<std::string>());
    }
  }
  set_threads(before);
}

TEST_CASE(
    "[HW-15] the batch interpreter equals the definition on corners, one-hot and random vectors of the references") {
  for (const Graph& graph : {dense_net(hardware_data("mlp_small.json")), belle_net(hardware_data("belle_mlp.json"))})
    CHECK(differences(graph, stimulus(graph, 2000, 5)) == 0);
}

TEST_CASE("[HW-15] the batch interpreter equals the definition on random graphs of every operator") {
  const std::uint64_t seed = 15;
  INFO("seed ", seed);
  SplitMix64 random(seed);
  for (int round = 0; round < 200; ++round) {
    CAPTURE(round);
    const Graph graph = test::random_graph(random);
    CHECK(differences(graph, stimulus(graph, 67, static_cast<std::uint64_t>(round))) == 0);
  }
}

TEST_CASE("the fastest unit that the intervals prove exact is chosen, one step below and above each limit") {
  const auto unit_for = [](std::int64_t weight, std::int64_t bias) {
    Graph graph;
    const TensorId x = graph.append("x", op::Input{{1}, {{2, false, 0}}, {{0, 1}}});
    graph.append("", op::Output{}, {graph.append("y", op::Cmvm{1, 1, {weight}, {0}, {bias}}, {x})});
    CHECK(differences(graph, stimulus(graph, 8, 1)) == 0);
    return Interpreter(graph).units()[0];
  };
  CHECK(unit_for((1 << 24) - 2, 1) == Unit::float32);
  CHECK(unit_for((1 << 24) - 1, 1) == Unit::float64);
  CHECK(unit_for(-(1 << 24), 3) == Unit::float64);
  CHECK(unit_for((std::int64_t{1} << 53) - 2, 1) == Unit::float64);
  CHECK(unit_for((std::int64_t{1} << 53) - 1, 1) == Unit::int64);
  CHECK(unit_for(std::int64_t{1} << 59, -(std::int64_t{1} << 60)) == Unit::int64);
}

TEST_CASE("a vector outside the input's interval is refused by number before anything is computed") {
  const Graph graph = belle_net(hardware_data("belle_mlp.json"));
  Vectors in = random_vectors(graph, 40, 1);
  in.data[27 * 33 + 4] = -4097;
  CHECK(says(error_of([&] { interpret(graph, in); }), "vector 33, x[4] = -4097"));
}
