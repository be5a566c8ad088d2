#include "core/base/error.h"

#include "nn/graph/graph.h"
#include "nn/init.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <fstream>

using namespace thimble;
using namespace thimble::nn;

namespace {

Graph baseline(Activation act, DType dtype = DType::f32) {
  Graph graph(Shape{27}, dtype);
  graph.add("hidden", Linear(27, 81)).add("hidden_act", Activate{act});
  graph.add("output", Linear(81, 2)).add("output_act", Activate{act});
  return graph;
}

template <class F>
void fill(const Tensor& t, const F& f) {
  const std::int64_t width = t.rank() == 2 ? t.size(1) : 1;
  for (std::int64_t i = 0; i < t.numel(); ++i) t.mut<double>()[i] = f(i / width, i % width);
}

/// The network of neurotrigger.md, section 9.1.
void fill_closed_form(Graph& graph) {
  auto& hidden = std::get<Linear>(*graph.find("hidden"));
  auto& output = std::get<Linear>(*graph.find("output"));
  const auto d = [](std::int64_t i) { return static_cast<double>(i); };
  fill(hidden.weight.value, [&](auto o, auto i) { return 0.25 * std::sin(0.7 * d(o) + 1.3 * d(i) + 0.2); });
  fill(hidden.bias.value, [&](auto o, auto) { return 0.1 * std::cos(0.9 * d(o)); });
  fill(output.weight.value, [&](auto k, auto o) { return 0.3 * std::sin(0.5 * d(o) + 2.1 * d(k) + 0.4); });
  fill(output.bias.value, [&](auto k, auto) { return 0.05 * (d(k) + 1); });
}

}  // namespace

TEST_CASE("[NT F06] the closed-form network gives the printed outputs for all seven activations") {
  const auto file =
      nlohmann::json::parse(std::ifstream(THIMBLE_SOURCE_DIR "/tests/data/neurotrigger/closed_form.json"));
  Tensor x = Tensor::empty(Shape{1, 27}, DType::f64);
  fill(x, [](auto, auto i) { return 0.8 * std::cos(0.6 * static_cast<double>(i)); });
  for (const auto& entry : file.at("outputs").items()) {
    const std::string name = entry.key();
    const auto& outputs = entry.value();
    CAPTURE(name);
    Graph graph = baseline(act_from_name(name), DType::f64);
    fill_closed_form(graph);
    for (const Layout layout : {Layout::rows, Layout::lanes}) {
      const auto y = graph(constant(x.to(layout))).value().to_vector();
      for (std::size_t k = 0; k < 2; ++k) CHECK(y[k] == doctest::Approx(outputs[k].get<double>()).epsilon(1e-13));
    }
  }
}

TEST_CASE("a graph is the same after a round trip through JSON") {
  Graph graph(Shape{27});
  graph.add("first", Linear(27, 50, false)).add("norm", BatchNorm(50)).add("act", Activate{{Act::leaky_relu, 0.25}});
  graph.add("drop", Dropout{0.2}).add("last", Linear(50, 2));
  const nlohmann::json json = to_json(graph);
  CHECK(to_json(graph_from_json(json)) == json);
  CHECK(parts_of(graph).parameters.size() == 5);
  CHECK(parts_of(graph).parameters[0].path == "first.weight");
  CHECK(parts_of(graph).buffers[1].path == "norm.running_var");
}

TEST_CASE("a damaged description is refused with the node that is wrong") {
  nlohmann::json json = to_json(baseline(Act::tanh));
  json["nodes"][2]["in"] = 80;
  try {
    graph_from_json(json);
    FAIL("accepted");
  } catch (const Error& e) {
    CHECK(e.kind() == ErrorKind::data);
    CHECK(e.message().find("output") != std::string::npos);
  }
  json["nodes"][2].erase("in");
  CHECK_THROWS_AS(graph_from_json(json), Error);
  CHECK_THROWS_AS(graph_from_json(nlohmann::json::object()), Error);
}

TEST_CASE("a graph refuses repeated names, unknown inputs and shapes that do not fit") {
  Graph graph = baseline(Act::tanh);
  CHECK_THROWS_AS(graph.add("hidden", Linear(2, 2)), Error);
  CHECK_THROWS_AS(graph.add("more", Linear(2, 2), {"nothing"}), Error);
  CHECK_THROWS_AS(graph.add("more", Linear(3, 2)), Error);
  CHECK_THROWS_AS(graph.add("a/b", Linear(2, 2)), Error);
}

TEST_CASE("cost counts parameters and multiply-accumulates of the trigger network") {
  const Graph graph = baseline(Act::tanh);
  const Cost sum = total(costs(graph));
  CHECK(sum.parameters == 2432);
  CHECK(sum.macs == 27 * 81 + 81 * 2);
  CHECK(sum.elements_in == 27);
  CHECK(sum.elements_out == 2);
  CHECK(describe(graph).find("2,432") != std::string::npos);
}

TEST_CASE("fusing the activation into the linear layer does not change a bit") {
  Graph graph = baseline(Act::tanh_half);
  for (auto& p : parts_of(graph).parameters) initialise(UniformFanIn{}, *p.parameter, nullptr, Rng(3).stream(p.path));
  const Tensor x = Tensor::full(Shape{5, 27}, 0.3).to(Layout::lanes);
  const Var fused = graph(constant(x));
  const auto& hidden = std::get<Linear>(*graph.find("hidden"));
  const auto& output = std::get<Linear>(*graph.find("output"));
  const Pass pass;
  const Activate act{Act::tanh_half};
  const Var plain = act(output(act(hidden(constant(x), pass), pass), pass), pass);
  CHECK(fused.value().to_vector() == plain.value().to_vector());
}

TEST_CASE("weights are copied between graphs of one shape, and refused between others with a list") {
  Graph from = baseline(Act::tanh), to = baseline(Act::relu, DType::f64);
  from.find("hidden");
  std::get<Linear>(*from.find("hidden")).weight.value.mut<float>()[3] = 0.5F;
  copy_weights(from, to);
  CHECK(std::get<Linear>(*to.find("hidden")).weight.value.data<double>()[3] == 0.5);
  Graph other(Shape{27});
  other.add("hidden", Linear(27, 80));
  try {
    copy_weights(from, other);
    FAIL("accepted");
  } catch (const Error& e) {
    CHECK(e.message().find("hidden.weight is [81, 27], wanted [80, 27]") != std::string::npos);
    CHECK(e.message().find("output.bias is not wanted") != std::string::npos);
  }
}

TEST_CASE("dropout keeps its share, scales the rest, and draws a mask by step alone") {
  const Tensor x = Tensor::full(Shape{400, 50}, 1);
  StepState state{7};
  const Pass pass{&state, Rng(1).stream("dropout")};
  const Dropout drop{0.2};
  const auto first = drop(constant(x), pass).value().to_vector();
  double kept = 0;
  for (const double v : first) {
    CHECK((v == 0 || v == 1.25));
    kept += v > 0;
  }
  CHECK(std::abs(kept / 20000 - 0.8) < 5 * std::sqrt(0.16 / 20000));
  CHECK(drop(constant(x.to(Layout::lanes)), pass).value().to_vector() == first);
  state.step = 8;
  CHECK(drop(constant(x), pass).value().to_vector() != first);
  CHECK(drop(constant(x), Pass{}).value().to_vector() == x.to_vector());
}

TEST_CASE("flatten orders channels first or last") {
  std::vector<float> values;
  for (int i = 0; i < 12; ++i) values.push_back(static_cast<float>(i));
  const Var x = constant(Tensor::from(values, Shape{1, 3, 2, 2}));
  CHECK(Flatten{Flatten::Order::chw}(x, {}).value().to_vector() ==
        std::vector<double>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  CHECK(Flatten{Flatten::Order::hwc}(x, {}).value().to_vector() ==
        std::vector<double>{0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11});
}
