#pragma once
// A small regression problem with everything a training needs, for the tests of the training loop.

#include "nn/graph/graph.h"
#include "nn/init.h"
#include "nn/loss.h"
#include "nn/train/predictor.h"
#include "nn/train/trainer.h"

#include <cmath>
#include <memory>

namespace thimble::test {

/// 300 rows, y = (x0 * x1, sin x2), network 3-16-2 with tanh. Members may be changed before trainer() is called.
struct Toy {
  std::shared_ptr<nn::Dataset> data = make_data();
  nn::Rows rows = nn::all_rows(300);
  nn::Graph model = make_model(1);
  nn::TrainOptions options = make_options();
  nn::Rule rule = nn::Adam{};
  std::uint64_t seed = 1;
  bool weighted = false;  // use the weights of the rows
  std::function<Var(const Var&, const Var&)> loss = [](const Var& y, const Var& t) { return mse(y, t); };
  std::function<nn::Metrics()> validate = [this] { return nn::Metrics{{"val_loss", whole_loss()}}; };

  nn::Trainer& trainer() {
    nn::TrainTask task;
    task.model = nn::parts_of(model);
    task.loss = [this](const nn::Batch& b) {
      const Var y = model(b.x, b.pass);
      return weighted ? nn::batch_loss(y, b.y, {LossKind::mse}, {}, b.weight.value()) : loss(y, b.y);
    };
    task.train = nn::View(data, rows);
    task.validate = validate;
    task.arch = "{}";
    trainer_ = std::make_unique<nn::Trainer>(std::move(task), options, rule, nn::constant_rate(1e-2),
                                             Rng(seed).stream("train"));
    return *trainer_;
  }
  nn::TrainResult fit() { return trainer().fit(); }

  std::vector<double> weights() {
    std::vector<double> all;
    nn::for_each_leaf(model, [&](const std::string&, auto& leaf) {
      for (const double v : leaf.value.to_vector()) all.push_back(v);
    });
    return all;
  }
  double whole_loss() const { return mse(model(constant(data->x)), constant(data->y)).value().item(); }
  double first_loss() const {
    const nn::Graph fresh = make_model(1);
    return mse(fresh(constant(data->x)), constant(data->y)).value().item();
  }

  static std::shared_ptr<nn::Dataset> make_data() {
    auto made = std::make_shared<nn::Dataset>();
    made->x = Tensor::empty(Shape{300, 3});
    made->y = Tensor::empty(Shape{300, 2});
    const Stream stream = Rng(11).stream("toy");
    for (std::int64_t i = 0; i < 300; ++i) {
      float x[3];
      for (std::int64_t k = 0; k < 3; ++k)
        x[k] = made->x.mut<float>()[i * 3 + k] = 2 * stream.uniform(0, static_cast<std::uint64_t>(i * 3 + k)) - 1;
      made->y.mut<float>()[i * 2] = x[0] * x[1];
      made->y.mut<float>()[i * 2 + 1] = std::sin(x[2]);
    }
    return made;
  }
  static nn::Graph make_model(std::uint64_t seed) {
    nn::Graph graph(Shape{3});
    graph.add("hidden", nn::Linear(3, 16)).add("hidden_act", nn::Activate{Act::tanh}).add("output", nn::Linear(16, 2));
    for (const char* name : {"hidden", "output"}) {
      auto& linear = std::get<nn::Linear>(*graph.find(name));
      nn::initialise(nn::UniformFanIn{}, linear.weight, &linear.bias, Rng(seed).stream(name));
    }
    return graph;
  }
  static nn::TrainOptions make_options() {
    nn::TrainOptions made;
    made.epochs = 4;
    made.batch = 64;
    return made;
  }

 private:
  std::unique_ptr<nn::Trainer> trainer_;
};

}  // namespace thimble::test
