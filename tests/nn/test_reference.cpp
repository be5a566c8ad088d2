// Networks, gradients and optimisers against arrays that an independent implementation computed (ntref.h5).

#include "autograd/ops/loss.h"

#include "nn/optim/optimizer.h"

#include <doctest/doctest.h>

#include "tests/nn/trigger_nets.h"
#include "tests/support/shared_data.h"

using namespace thimble;
using namespace thimble::nn;
using test::difference;

namespace {

constexpr const char* kReference = "data/neurotrigger/ntref.h5";
constexpr const char* kWeights = "data/neurotrigger/weights_ref.json";

Tensor first_rows(const Tensor& all, std::int64_t rows, std::int64_t columns) {
  const std::vector<double> values = all.to_vector();
  Tensor part = Tensor::empty(Shape{rows, columns}, DType::f64);
  for (std::int64_t i = 0; i < rows * columns; ++i)
    part.mut<double>()[i] = values[static_cast<std::size_t>(i / columns * all.size(1) + i % columns)];
  return part;
}

void check_model(const test::Reference& reference, const std::string& name, Layout layout) {
  CAPTURE(name);
  const std::string group = "/models/" + name;
  const auto cut = name.find("_out");
  const std::int64_t outputs = name[cut + 4] - '0';
  std::string act = name.substr(cut + 6);
  if (act == "tanh_div_2") act = "tanh/2";
  Graph graph = test::trigger_net(name.substr(0, cut), outputs, act_from_name(act));
  test::load(reference, group + "/params", graph);
  const Tensor x = first_rows(reference.tensor("/rows/x"), 64, 27).to(layout);
  const Tensor y = first_rows(reference.tensor("/rows/y"), 64, outputs).to(layout);
  CHECK(difference(graph(constant(x)).value().to_vector(), reference.numbers(group + "/out_eval")) < 1e-12);

  Tape tape;
  const TapeScope scope(tape);
  const StepState state;
  const Var out = graph(constant(x), Pass{&state});
  const Var loss = mse(out, constant(y));
  backward(loss);
  CHECK(difference(out.value().to_vector(), reference.numbers(group + "/out_train")) < 1e-12);
  CHECK(loss.value().item() == doctest::Approx(reference.numbers(group + "/loss_train")[0]).epsilon(1e-12));
  for_each_parameter(graph, [&](const std::string& path, const Parameter& p) {
    CAPTURE(path);
    CHECK(difference(p.grad.to_vector(), reference.numbers(group + "/grad_train/" + test::original_path(path))) <
          1e-12);
  });
  for_each_buffer(graph, [&](const std::string& path, const Buffer& b) {
    CAPTURE(path);
    const std::string after = group + "/after_one_train_forward/" + test::original_path(path);
    CHECK(difference(b.value.to_vector(), reference.numbers(after)) < 1e-12);
  });
}

}  // namespace

TEST_CASE("[NT F06] the three models agree with the reference, in evaluation and in training") {
  THIMBLE_SHARED(path, kReference);
  const test::Reference reference(path);
  for (const char* name : {"BaselineModel_out1_tanh", "BaselineModelBN_out2_tanh_div_2", "SimpleModel_out2_relu"})
    for (const Layout layout : {Layout::rows, Layout::lanes}) check_model(reference, name, layout);
}

TEST_CASE("[NT F06] trained weights give the reference outputs on real rows for all seven activations") {
  THIMBLE_SHARED(path, kReference);
  THIMBLE_SHARED(weights_path, kWeights);
  const test::Reference reference(path);
  const auto weights = io::read_json(weights_path);
  const Tensor x = reference.tensor("/rows/x");
  for (const std::string name : {"tanh", "tanh_div_2", "softsign", "relu", "sigmoid", "leaky_relu", "selu"})
    for (const DType dtype : {DType::f64, DType::f32}) {
      CAPTURE(name);
      std::vector<double> all;
      for (std::int64_t expert = 0; expert < 5; ++expert) {
        const Activation act = act_from_name(name == "tanh_div_2" ? "tanh/2" : name);
        const Graph graph = test::trained_expert(weights, expert, act, dtype);
        const Tensor part = x.rows(64 * expert, 64).to(dtype);
        for (const double v : graph(constant(part.to(Layout::lanes))).value().to_vector()) all.push_back(v);
      }
      const auto wanted = reference.numbers("/forward/BaselineModel/" + name + "/f64");
      CHECK(difference(all, wanted) < (dtype == DType::f64 ? 1e-12 : 2e-6));
    }
}

TEST_CASE("[NT F07] gradients of weights and inputs agree with the reference") {
  THIMBLE_SHARED(path, kReference);
  THIMBLE_SHARED(weights_path, kWeights);
  const test::Reference reference(path);
  const Graph graph = test::trained_expert(io::read_json(weights_path), 0, Act::tanh_half);
  const Tensor x = first_rows(reference.tensor("/rows/x"), 64, 27), dx = Tensor::zeros(x.shape(), DType::f64);
  const Tensor y = first_rows(reference.tensor("/rows/y"), 64, 2);
  Tape tape;
  const TapeScope scope(tape);
  const Var loss = mse(graph(variable(x, dx)), constant(y));
  backward(loss);
  CHECK(loss.value().item() == doctest::Approx(reference.numbers("/grad/loss")[0]).epsilon(1e-12));
  CHECK(difference(dx.to_vector(), reference.numbers("/grad/x")) < 1e-12);
  for_each_parameter(graph, [&](const std::string& name, const Parameter& p) {
    CHECK(difference(p.grad.to_vector(), reference.numbers("/grad/" + test::original_path(name))) < 1e-12);
  });
}

namespace {

Rule rule_of(const std::string& name) {
  return parse_rule(name, name == "Adam" ? 1e-6 : 0);
}

void check_trajectory(const test::Reference& reference, const nlohmann::json& weights, const std::string& name,
                      DType dtype, Layout layout) {
  CAPTURE(name);
  const std::string group = "/optim/" + name;
  Graph graph = test::trained_expert(weights, 0, Act::tanh_half, dtype);
  const FlatParameters flat(parts_of(graph).parameters);
  Optimizer optimizer(rule_of(name), flat);
  optimizer.set_rate(reference.attribute(group, "lr"));
  const Tensor x = first_rows(reference.tensor("/rows/x"), 64, 27).to(dtype).to(layout);
  const Tensor y = first_rows(reference.tensor("/rows/y"), 64, 2).to(dtype).to(layout);
  const auto losses = reference.numbers(group + "/loss_f64");
  Tape tape;
  const TapeScope scope(tape);
  for (std::size_t step = 1; step <= losses.size(); ++step) {
    tape.clear();
    const Var loss = mse(graph(constant(x)), constant(y));
    CHECK(loss.value().item() == doctest::Approx(losses[step - 1]).epsilon(dtype == DType::f64 ? 1e-9 : 1e-4));
    backward(loss);
    optimizer.step();
    if (dtype == DType::f32 || (step != 1 && step != 5 && step != 20)) continue;
    for_each_parameter(graph, [&](const std::string& path, const Parameter& p) {
      const std::string after = group + "/after_" + std::to_string(step) + "/" + test::original_path(path);
      CHECK(difference(p.value.to_vector(), reference.numbers(after)) < 1e-6);  // stored as f32
    });
  }
}

}  // namespace

TEST_CASE("[NT F07] twenty steps of Adam, Rprop and SGD follow the reference trajectories") {
  THIMBLE_SHARED(path, kReference);
  THIMBLE_SHARED(weights_path, kWeights);
  const test::Reference reference(path);
  const auto weights = io::read_json(weights_path);
  for (const char* name : {"Adam", "Rprob", "SGD"}) {
    check_trajectory(reference, weights, name, DType::f64, Layout::rows);
    check_trajectory(reference, weights, name, DType::f32, Layout::lanes);
  }
}
