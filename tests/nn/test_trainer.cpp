#include "core/base/error.h"
#include "core/io/file.h"
#include "core/parallel/blocks.h"

#include "autograd/ops/elementwise.h"

#include "nn/graph/graph.h"
#include "nn/init.h"
#include "nn/loss.h"
#include "nn/train/csv_log.h"
#include "nn/train/keep_best.h"
#include "nn/train/predictor.h"
#include "nn/train/trainer.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tests/nn/toy.h"

using namespace thimble;
using namespace thimble::nn;
using test::Toy;

namespace {

std::vector<double> weights_after(TrainOptions options, Rule rule = Adam{}) {
  Toy toy;
  toy.options = options;
  toy.rule = std::move(rule);
  toy.fit();
  return toy.weights();
}

TrainOptions small(bool replay, Layout layout = Layout::lanes) {
  TrainOptions options;
  options.epochs = 4;
  options.batch = 64;
  options.replay = replay;
  options.layout = layout;
  return options;
}

}  // namespace

TEST_CASE("training lowers the loss") {
  Toy toy;
  toy.options.epochs = 60;
  const TrainResult result = toy.fit();
  CHECK(result.at.epoch == 60);
  CHECK(result.at.step == 60 * 5);
  CHECK(result.metrics.at("val_loss") < 0.2 * toy.first_loss());
}

TEST_CASE("[R05] replayed training equals eager training bit for bit, for every optimiser and layout") {
  for (const Layout layout : {Layout::lanes, Layout::rows})
    for (const char* name : {"Adam", "AdamW", "AdamKeras", "SGD", "Rprop"}) {
      CAPTURE(name);
      CHECK(weights_after(small(true, layout), parse_rule(name, 1e-4)) ==
            weights_after(small(false, layout), parse_rule(name, 1e-4)));
    }
}

namespace {

/// Weights of the track trigger's network after three epochs of full batches: large enough that its kernels are cut
/// into blocks for several threads.
std::vector<double> wide_weights() {
  auto data = std::make_shared<Dataset>();
  data->x = Tensor::empty(Shape{5000, 27});
  data->y = Tensor::empty(Shape{5000, 2});
  for (const Tensor& t : {data->x, data->y})
    for (std::int64_t i = 0; i < t.numel(); ++i)
      t.mut<float>()[i] =
          2 * Rng(6).stream("wide").uniform(static_cast<std::uint64_t>(t.size(1)), static_cast<std::uint64_t>(i)) - 1;
  Graph network(Shape{27});
  network.add("hidden", Linear(27, 81)).add("norm", BatchNorm(81)).add("act", Activate{Act::softsign});
  network.add("output", Linear(81, 2));
  for (const char* name : {"hidden", "output"}) {
    auto& layer = std::get<Linear>(*network.find(name));
    initialise(UniformFanIn{}, layer.weight, &layer.bias, Rng(2).stream(name));
  }
  TrainTask task;
  task.model = parts_of(network);
  task.loss = [&](const Batch& b) { return mse(network(b.x, b.pass), b.y); };
  task.train = View(data);
  TrainOptions options;
  options.epochs = 3;
  Trainer(task, options, Adam{}, constant_rate(1e-2), Stream(1)).fit();
  std::vector<double> all;
  for_each_leaf(network, [&](const std::string&, const auto& leaf) {
    for (const double v : leaf.value.to_vector()) all.push_back(v);
  });
  return all;
}

}  // namespace

TEST_CASE("[R04] [NT F26] 1, 2 and 4 threads give the same weights, byte for byte") {
  const int before = threads();
  std::vector<std::vector<double>> all;
  for (const int count : {1, 2, 4}) {
    set_threads(count);
    all.push_back(wide_weights());
  }
  set_threads(before);
  CHECK(all[0] == all[1]);
  CHECK(all[0] == all[2]);
}

TEST_CASE("[NT F26] networks trained side by side, one per thread, equal those trained one after another") {
  const int before = threads();
  set_threads(4);
  const auto alone = weights_after(small(true));
  std::vector<std::vector<double>> together(5);
  parallel_jobs(5, [&](std::int64_t job) { together[static_cast<std::size_t>(job)] = weights_after(small(true)); });
  set_threads(before);
  for (const auto& weights : together) CHECK(weights == alone);
}

TEST_CASE("the last partial batch is trained on, and keeps its own program") {
  Toy toy;
  std::vector<std::int64_t> seen;
  struct Watch : Callback {
    std::vector<std::int64_t>* rows;
    void on_step(const TrainingView& view) override { rows->push_back(view.rows_seen); }
  };
  auto watch = std::make_unique<Watch>();
  watch->rows = &seen;
  toy.options = small(true);
  toy.options.epochs = 1;
  Trainer& trainer = toy.trainer();
  trainer.add(std::move(watch));
  trainer.fit();
  CHECK(seen == std::vector<std::int64_t>{64, 128, 192, 256, 300});
}

TEST_CASE("[NT F22] early stopping counts epochs without a strictly better value and the best weights come back") {
  Toy toy;
  toy.options.epochs = 100;
  const std::vector<double> losses{5, 4, 3, 3, 4, 3.5, 2.9, 3, 3, 3, 1, 0.5};
  std::size_t epoch = 0;
  toy.validate = [&] { return Metrics{{"val_loss", losses[epoch++]}}; };
  Trainer& trainer = toy.trainer();
  KeepBest& best = trainer.add(std::make_unique<KeepBest>("val_loss"));
  trainer.add(std::make_unique<EarlyStop>("val_loss", Goal::min, 3));
  const TrainResult result = trainer.fit();
  CHECK(result.at.epoch == 6);  // 3 is best at epoch 3; epochs 4, 5, 6 bring nothing strictly better
  CHECK(result.stop_reason.find("3 epochs") != std::string::npos);
  CHECK(best.best().value == 3);
  CHECK(best.best().at.epoch == 3);
  const auto at_end = toy.weights();
  best.best().weights.restore(parts_of(toy.model));
  CHECK(toy.weights() != at_end);
}

TEST_CASE("[NT F22] a patience of 30 lets 29 bad epochs pass, a value that is not finite stops at once") {
  const auto run = [](std::vector<double> losses, std::int64_t patience) {
    Toy toy;
    toy.options.epochs = static_cast<std::int64_t>(losses.size());
    std::size_t epoch = 0;
    toy.validate = [&] { return Metrics{{"val_loss", losses[epoch++]}}; };
    Trainer& trainer = toy.trainer();
    trainer.add(std::make_unique<EarlyStop>("val_loss", Goal::min, patience));
    return trainer.fit().at.epoch;
  };
  std::vector<double> plateau(60, 1.0);
  plateau[30] = 0.9;  // after 29 epochs without improvement
  CHECK(run(plateau, 30) == 60);
  plateau[30] = 1;
  plateau[31] = 0.9;
  CHECK(run(plateau, 30) == 31);
  CHECK(run({1, 0.5, std::numeric_limits<double>::quiet_NaN(), 0.1}, 30) == 3);
}

TEST_CASE("training ends when the loss is above that of so many epochs earlier, not when it only stands still") {
  const auto run = [](std::vector<double> losses, std::int64_t window) {
    Toy toy;
    toy.options.epochs = static_cast<std::int64_t>(losses.size());
    std::size_t epoch = 0;
    toy.validate = [&] { return Metrics{{"val_loss", losses[epoch++]}}; };
    Trainer& trainer = toy.trainer();
    trainer.add(std::make_unique<StopWhenWorse>("val_loss", Goal::min, window));
    return trainer.fit().at.epoch;
  };
  CHECK(run({5, 4, 6, 5, 5, 5}, 3) == 5);     // epoch 5 (5) against epoch 2 (4)
  CHECK(run({5, 5, 5, 5, 5, 5}, 3) == 6);     // equal is not worse
  CHECK(run({5, 9, 4, 8, 3, 7, 2}, 2) == 7);  // up and down, each better than two before
  CHECK(run({1, 2, 3}, 3) == 3);              // nothing to compare with yet
  CHECK(run({5, std::numeric_limits<double>::infinity(), 1}, 3) == 2);
}

TEST_CASE("the ranked list keeps the best few and decides ties as told") {
  Toy toy;
  toy.options.epochs = 5;
  const std::vector<double> scores{0.5, 0.7, 0.7, 0.2, 0.6};
  std::size_t epoch = 0;
  toy.validate = [&] { return Metrics{{"score", scores[epoch++]}}; };
  Trainer& trainer = toy.trainer();
  KeepBest& older = trainer.add(std::make_unique<KeepBest>("score", Goal::max, 3, Ties::older));
  KeepBest& newer = trainer.add(std::make_unique<KeepBest>("score", Goal::max, 3, Ties::newer));
  trainer.fit();
  const auto epochs = [](const KeepBest& kept) {
    std::vector<std::int64_t> list;
    for (const auto& entry : kept.entries()) list.push_back(entry.at.epoch);
    return list;
  };
  CHECK(epochs(older) == std::vector<std::int64_t>{2, 3, 5});
  CHECK(epochs(newer) == std::vector<std::int64_t>{3, 2, 5});
}

TEST_CASE("a NaN names the step and the operation, and the weights are those before it") {
  Toy toy;
  toy.options.epochs = 3;
  toy.loss = [](const Var& y, const Var& target) {
    return thimble::loss(scale(y, 1e30), target, {LossKind::mse});  // squares overflow a float
  };
  Trainer& trainer = toy.trainer();
  const auto before = toy.weights();
  try {
    trainer.fit();
    FAIL("went on");
  } catch (const Error& e) {
    CHECK(e.kind() == ErrorKind::failed);
    CHECK(e.message().find("epoch 1, step 1") != std::string::npos);
    CHECK(e.message().find("operation 'loss'") != std::string::npos);
    CHECK(e.hint().find("learning rate") != std::string::npos);
  }
  CHECK(toy.weights() == before);
}

TEST_CASE("bad data and options are refused before training") {
  Toy nan_toy;
  nan_toy.data->x.mut<float>()[8] = std::numeric_limits<float>::infinity();
  CHECK_THROWS_AS(nan_toy.trainer(), Error);
  Toy batch_toy;
  batch_toy.options.batch = 0;
  CHECK_THROWS_AS(batch_toy.trainer(), Error);
  Toy empty_toy;
  empty_toy.rows = Rows{};
  CHECK_THROWS_AS(empty_toy.trainer(), Error);
}

TEST_CASE("gradient clipping bounds the joint norm and single elements") {
  Parameter p(Shape{2}, {Axis::out});
  const FlatParameters flat({{"p", &p}});
  const auto moved = [&](GradientClip clip) {
    p.value.mut<float>()[0] = p.value.mut<float>()[1] = 0;
    p.grad.mut<float>()[0] = 3;
    p.grad.mut<float>()[1] = -4;
    Optimizer optimizer(Sgd{}, flat);
    optimizer.set_rate(1);
    optimizer.set_clip(clip);
    optimizer.step();
    return p.value.to_vector();
  };
  CHECK(moved({}) == std::vector<double>{-3, 4});
  const auto by_norm = moved({.norm = 1});
  CHECK(by_norm[0] == doctest::Approx(-0.6));
  CHECK(by_norm[1] == doctest::Approx(0.8));
  CHECK(moved({.value = 2}) == std::vector<double>{-2, 2});
}

TEST_CASE("frozen parameters and constraints hold after every step") {
  Toy toy;
  Parts parts = parts_of(toy.model);
  parts.find("hidden.weight")->trainable = false;
  const auto frozen = parts.find("hidden.weight")->value.to_vector();
  Trainer& trainer = toy.trainer();
  trainer.optimizer().add({parts.find("output.weight"), ClipValues{-0.05, 0.05}});
  trainer.fit();
  CHECK(parts.find("hidden.weight")->value.to_vector() == frozen);
  double largest = 0;
  for (const double w : parts.find("output.weight")->value.to_vector()) largest = std::max(largest, std::abs(w));
  CHECK(largest == doctest::Approx(0.05));
}

TEST_CASE("row weights scale each row's share of the loss: a weight of 0 takes a row out") {
  const auto trained = [](bool spoil) {
    Toy toy;
    toy.data->weight = Tensor::full(Shape{300}, 1);
    for (std::int64_t row = 0; row < 300; row += 3) toy.data->weight.mut<float>()[row] = 0;
    if (spoil)
      for (std::int64_t row = 0; row < 300; row += 3) toy.data->y.mut<float>()[2 * row] = 50;
    toy.weighted = true;
    toy.fit();
    return toy.weights();
  };
  CHECK(trained(false) == trained(true));
}

TEST_CASE("learning-rate schedules are functions of step and epoch") {
  CHECK(step_per_iteration(1, 0.5, 10)({25, 0}) == 0.25);
  CHECK(step_per_epoch(1, 0.1, 300)({0, 299}) == 1);
  CHECK(step_per_epoch(1, 0.1, 300)({0, 300}) == doctest::Approx(0.1));
  const Schedule stages = epoch_stages({{0, 5e-3}, {10, 1e-3}});
  CHECK(stages({0, 9}) == 5e-3);
  CHECK(stages({0, 10}) == 1e-3);
  const Schedule cycle = one_cycle(1, 100);
  CHECK(cycle({0, 0}) == doctest::Approx(1.0 / 25));
  CHECK(cycle({29, 0}) == doctest::Approx(1));
  CHECK(cycle({99, 0}) == doctest::Approx(1.0 / 25 / 1e4));
  CHECK_THROWS_AS(epoch_stages({{1, 1}}), Error);
}

TEST_CASE("optimisers are found by the names of configurations") {
  CHECK(std::get<Adam>(parse_rule("Adam", 1e-6)).decay == kernels::Decay::l2);
  CHECK(std::get<Adam>(parse_rule("AdamW", 1e-6)).decay == kernels::Decay::decoupled);
  CHECK(std::get<Adam>(parse_rule("AdamKeras")).eps_form == kernels::EpsForm::keras);
  CHECK(std::get<Sgd>(parse_rule("SGD")).momentum == 0.9);
  CHECK(std::holds_alternative<Rprop>(parse_rule("Rprob")));
  try {
    parse_rule("Adamm");
    FAIL("accepted");
  } catch (const Error& e) {
    CHECK(e.message().find("optimizer not supported") == 0);
  }
}

TEST_CASE("predictions do not depend on the batch size and follow the weights") {
  Toy toy;
  const auto predict = [&](std::int64_t batch) {
    Predictor predictor([&](const Var& x) { return toy.model(x); }, batch);
    return predictor(View(toy.data)).to_vector();
  };
  CHECK(predict(300) == predict(7));
  Trainer& trainer = toy.trainer();
  Predictor held([&](const Var& x) { return toy.model(x); }, 64);
  const auto before = held(View(toy.data)).to_vector();
  trainer.fit();
  CHECK(held(View(toy.data)).to_vector() != before);
}
