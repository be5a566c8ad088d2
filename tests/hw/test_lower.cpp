// From the trained network to the integer graph: the same integers on both sides.

#include "core/base/error.h"
#include "core/random/philox.h"

#include "nn/init.h"
#include "nn/loss.h"
#include "nn/quant/recipe.h"
#include "nn/train/trainer.h"

#include "hw/lower/lower.h"
#include "hw/sim/evaluate.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/nn/trigger_nets.h"
#include "tests/support/error_of.h"
#include "tests/support/shared_data.h"

using namespace thimble;
using hw::lower;
using Integers = std::vector<std::int64_t>;

namespace {

constexpr const char* kReference = "data/neurotrigger/ntref.h5";
constexpr const char* kWeights = "data/neurotrigger/weights_ref.json";

/// The network of neurotrigger.md, section 9.1, in float32.
nn::Graph closed_form() {
  nn::Graph graph = test::trigger_net("BaselineModel", 2, Act::tanh_half, DType::f32);
  const auto fill = [&](const char* node, double amplitude, double per_out, double per_in, double phase,
                        const auto& bias) {
    auto& linear = std::get<nn::Linear>(*graph.find(node));
    for (std::int64_t o = 0; o < linear.out; ++o) {
      for (std::int64_t i = 0; i < linear.in; ++i)
        linear.weight.value.mut<float>()[o * linear.in + i] = static_cast<float>(
            amplitude * std::sin(per_out * static_cast<double>(o) + per_in * static_cast<double>(i) + phase));
      linear.bias.value.mut<float>()[o] = static_cast<float>(bias(static_cast<double>(o)));
    }
  };
  fill("net_0", 0.25, 0.7, 1.3, 0.2, [](double o) { return 0.1 * std::cos(0.9 * o); });
  fill("net_2", 0.3, 2.1, 0.5, 0.4, [](double k) { return 0.05 * (k + 1); });
  return graph;
}

std::vector<float> closed_form_input() {
  std::vector<float> x;
  for (int i = 0; i < 27; ++i) x.push_back(static_cast<float>(0.8 * std::cos(0.6 * i)));
  return x;
}

Integers first(const Integers& all, std::size_t count) {
  return {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count)};
}

Integers values_of(const hw::Graph& graph, const hw::Values& values, const char* tensor) {
  return values[static_cast<std::size_t>(graph.find(tensor).value())];
}

/// Outputs of the training-side network as stored integers with 12 fraction bits.
Integers trained_outputs(const nn::Graph& network, std::span<const float> sample) {
  const Tensor x = Tensor::from(sample, Shape{1, static_cast<std::int64_t>(sample.size())});
  Integers integers;
  for (const double y : network(constant(x.to(network.dtype()).to(Layout::lanes))).value().to_vector()) {
    CHECK(y * 4096 == std::round(y * 4096));
    integers.push_back(static_cast<std::int64_t>(y * 4096));
  }
  return integers;
}

void check_random_inputs(const nn::Graph& network, const hw::Graph& graph, int count) {
  const Stream stream = Rng(5).stream("inputs");
  std::vector<float> sample(27);
  for (int n = 0; n < count; ++n) {
    for (std::size_t i = 0; i < sample.size(); ++i)
      sample[i] = 2 * stream.uniform(static_cast<std::uint64_t>(n), i) - 1;
    const auto values = hw::evaluate(graph, hw::input_integers(network, sample));
    CHECK(hw::outputs_of(graph, values) == trained_outputs(network, sample));
  }
}

}  // namespace

TEST_CASE("[NT N02] model A of the closed-form network: inputs, sums, hidden and output integers of section 9.1") {
  const nn::Graph network = nn::quantised(closed_form(), nn::trigger_recipe_a());
  const hw::Graph graph = lower(network, {.input = hw::Interval{-4096, 4096}});
  const Integers x = hw::input_integers(network, closed_form_input());
  const hw::Values values = hw::evaluate(graph, x);
  CHECK(first(x, 8) == Integers{3276, 2704, 1187, -744, -2416, -3244, -2938, -1606});
  CHECK(first(values_of(graph, values, "net_0"), 8) ==
        Integers{356970, 399963, 173760, -108059, -228983, -126242, 54281, 132023});
  CHECK(first(values_of(graph, values, "net_1"), 8) == Integers{175, 195, 85, -53, -111, -61, 27, 65});
  CHECK(values_of(graph, values, "net_2") == Integers{295181, 634642});
  CHECK(hw::outputs_of(graph, values) == Integers{145, 308});
  CHECK(trained_outputs(network, closed_form_input()) == Integers{145, 308});
  CHECK(graph.tables.size() == 1);
}

TEST_CASE("[NT N02] model B of the closed-form network: 19 fraction bits, sums and outputs of section 9.1") {
  const nn::Graph trained = closed_form();
  const nn::Graph network = nn::quantised(trained, nn::trigger_recipe_b(trained));
  const hw::Graph graph = lower(network);
  const Integers x = hw::input_integers(network, closed_form_input());
  const hw::Values values = hw::evaluate(graph, x);
  CHECK(first(x, 8) == Integers{3277, 2704, 1187, -744, -2416, -3244, -2938, -1606});
  CHECK(first(values_of(graph, values, "net_0"), 4) == Integers{91262516, 100390459, 43172631, -27345026});
  CHECK(first(values_of(graph, values, "net_1"), 8) == Integers{172, 188, 80, -52, -108, -60, 24, 64});
  CHECK(values_of(graph, values, "net_2") == Integers{74231008, 162641833});
  CHECK(hw::outputs_of(graph, values) == Integers{140, 307});
  CHECK(trained_outputs(network, closed_form_input()) == Integers{140, 307});
}

TEST_CASE("[NT N02] both models on 320 real rows: every sum, hidden and output integer equals the reference") {
  THIMBLE_SHARED(path, kReference);
  THIMBLE_SHARED(weights_path, kWeights);
  const test::Reference reference(path);
  const auto weights = io::read_json(weights_path);
  const Tensor rows = reference.tensor("/rows/x", DType::f32);
  for (const std::string model : {"A", "B"}) {
    CAPTURE(model);
    const std::string group = "/fixed/" + model + "/";
    Integers x, sums, hidden, sums2, out;
    for (std::int64_t expert = 0; expert < 5; ++expert) {
      const nn::Graph trained = test::trained_expert(weights, expert, Act::tanh_half, DType::f32);
      const nn::Graph network =
          nn::quantised(trained, model == "A" ? nn::trigger_recipe_a() : nn::trigger_recipe_b(trained));
      const hw::Graph graph = lower(network);
      for (std::int64_t row = 64 * expert; row < 64 * (expert + 1); ++row) {
        const std::span<const float> sample(rows.data<float>() + row * 27, 27);
        const Integers in = hw::input_integers(network, sample);
        const hw::Values values = hw::evaluate(graph, in);
        const auto append = [](Integers& to, const Integers& from) { to.insert(to.end(), from.begin(), from.end()); };
        append(x, in);
        append(sums, values_of(graph, values, "net_0"));
        append(hidden, values_of(graph, values, "net_1"));
        append(sums2, values_of(graph, values, "net_2"));
        append(out, hw::outputs_of(graph, values));
        CHECK(trained_outputs(network, sample) == hw::outputs_of(graph, values));
      }
    }
    CHECK(x == reference.array(group + "x_int").integers());
    CHECK(sums == reference.array(group + "acc1").integers());
    CHECK(hidden == reference.array(group + "hidden_int").integers());
    CHECK(sums2 == reference.array(group + "acc2").integers());
    CHECK(out == reference.array(group + "out_int").integers());
  }
}

TEST_CASE("[NT N05] a network trained with quantisation is the integer network, and its weights stay in the range") {
  const nn::QuantRecipe recipe = nn::trigger_recipe_a();
  nn::Graph network = nn::quantised(closed_form(), recipe);
  auto data = std::make_shared<nn::Dataset>();
  data->x = Tensor::empty(Shape{256, 27});
  data->y = Tensor::empty(Shape{256, 2});
  const Stream stream = Rng(3).stream("data");
  for (std::int64_t i = 0; i < data->x.numel(); ++i)
    data->x.mut<float>()[i] = 2 * stream.uniform(0, static_cast<std::uint64_t>(i)) - 1;
  for (std::int64_t i = 0; i < 256; ++i) {
    data->y.mut<float>()[2 * i] = 0.5F * data->x.data<float>()[27 * i];
    data->y.mut<float>()[2 * i + 1] = 0.5F * data->x.data<float>()[27 * i + 1];
  }
  nn::TrainTask task;
  task.model = nn::parts_of(network);
  task.loss = [&](const nn::Batch& b) { return mse(network(b.x, b.pass), b.y); };
  task.train = nn::View(data);
  nn::TrainOptions options;
  options.epochs = 20;
  options.batch = 64;
  nn::Trainer trainer(task, options, nn::Adam{}, nn::constant_rate(1e-2), Rng(1).stream("train"));
  nn::limit_weights(trainer.optimizer(), network, recipe);
  const double before = mse(network(constant(data->x)), constant(data->y)).value().item();
  trainer.fit();
  CHECK(mse(network(constant(data->x)), constant(data->y)).value().item() < 0.3 * before);
  check_random_inputs(network, lower(network), 50);
}

TEST_CASE("batch norms are folded once, before quantisation") {
  nn::Graph graph = test::trigger_net("BaselineModelBN", 2, Act::tanh_half);
  const Stream stream = Rng(8).stream("bn");
  nn::for_each_leaf(graph, [&](const std::string& path, auto& leaf) {
    for (std::int64_t i = 0; i < leaf.value.numel(); ++i)
      leaf.value.template mut<double>()[i] =
          0.1 + 0.5 * stream.stream(path).uniform64(0, static_cast<std::uint64_t>(i));
  });
  const nn::Graph folded = nn::fold_batch_norm(graph);
  CHECK(folded.nodes().size() == 4);
  const Tensor x = Tensor::full(Shape{3, 27}, 0.25, DType::f64);
  CHECK(test::difference(graph(constant(x)).value().to_vector(), folded(constant(x)).value().to_vector()) < 1e-13);
  const nn::Graph network = nn::quantised(graph, nn::trigger_recipe_a());
  check_random_inputs(network, lower(network), 5);
}

TEST_CASE("relu networks lower to relu and requant, leaky slopes of a power of two to a shift") {
  nn::Graph graph(Shape{27});
  graph.add("a", nn::Linear(27, 9)).add("a_act", nn::Activate{Act::relu});
  graph.add("b", nn::Linear(9, 5)).add("b_act", nn::Activate{{Act::leaky_relu, 0.25}}).add("c", nn::Linear(5, 2));
  for (auto& p : nn::parts_of(graph).parameters)
    for (std::int64_t i = 0; i < p.parameter->value.numel(); ++i)
      p.parameter->value.mut<float>()[i] =
          static_cast<float>(Rng(4).stream(p.path).uniform64(0, static_cast<std::uint64_t>(i)) - 0.5);
  nn::QuantRecipe recipe;
  recipe.input = {{10, true, 8}};
  recipe.weight = recipe.bias = {{8, true, 6}};
  recipe.activation = fixed::Quantiser{{14, true, 12}, fixed::Round::rnd_conv, fixed::Overflow::sat, fixed::Grad::mask};
  nn::Graph network = nn::quantised(graph, recipe);
  network.add("y", nn::FakeQuant{*recipe.activation});
  check_random_inputs(network, lower(network), 50);
}

TEST_CASE("a weight that does not fit its width is refused by name, with the width it needs") {
  nn::Graph graph = closed_form();
  std::get<nn::Linear>(*graph.find("net_2")).weight.value.mut<float>()[5] = 64.5F;
  const nn::Graph network = nn::quantised(graph, nn::trigger_recipe_a());
  const auto error = test::error_of([&] { lower(network); });
  REQUIRE(error);
  CHECK(error->kind() == ErrorKind::value);
  CHECK(test::says(error, "net_2.weight[0,5]"));
}

TEST_CASE("what has no integer form is refused by name") {
  CHECK(test::says(test::error_of([] { lower(closed_form()); }), "format of its input"));
  const nn::Graph selu = test::trigger_net("BaselineModel", 2, Act::selu);
  CHECK(test::says(test::error_of([&] { nn::quantised(selu, nn::trigger_recipe_a()); }), "net_1"));
}
