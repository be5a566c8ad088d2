#pragma once
// The network of workload W2 (27-81-2, tanh twice, mean squared error, Adam) on the real Trainer, shared by the check
// of its numbers and the start-up program.

#include "autograd/ops/loss.h"

#include "nn/graph/graph.h"
#include "nn/init.h"
#include "nn/train/trainer.h"

#include <memory>
#include <utility>

namespace thimble::bench {

inline nn::Graph w2_network() {
  nn::Graph network(Shape{27});
  network.add("hidden", nn::Linear(27, 81)).add("tanh", nn::Activate{Act::tanh});
  network.add("output", nn::Linear(81, 2)).add("range", nn::Activate{Act::tanh});
  return network;
}

/// Weights and biases uniform in +-1/sqrt(inputs).
inline nn::Graph w2_random_network(std::uint64_t seed) {
  nn::Graph network = w2_network();
  for (const char* name : {"hidden", "output"}) {
    auto& layer = std::get<nn::Linear>(*network.find(name));
    nn::initialise(nn::UniformFanIn{}, layer.weight, &layer.bias, Rng(seed).stream(name));
  }
  return network;
}

/// Inputs [rows, 27] and targets [rows, 2], uniform in [-1, 1].
inline std::shared_ptr<const nn::Dataset> w2_random_data(std::int64_t rows) {
  const auto uniform = [rows](std::int64_t columns, const Stream& stream) {
    const Tensor t = Tensor::empty({rows, columns});
    for (std::int64_t i = 0; i < t.numel(); ++i)
      t.mut<float>()[i] = 2 * stream.uniform(0, static_cast<std::uint64_t>(i)) - 1;
    return t;
  };
  auto data = std::make_shared<nn::Dataset>();
  data->x = uniform(27, Rng(3).stream("x"));
  data->y = uniform(2, Rng(3).stream("y"));
  return data;
}

/// Adam, learning rate 1e-3, weight decay 1e-6 added to the gradient. Rows in order.
inline nn::Trainer w2_trainer(nn::Graph& network, std::shared_ptr<const nn::Dataset> data, nn::Rows rows,
                              std::int64_t batch, std::int64_t epochs, bool replay = true) {
  nn::TrainTask task;
  task.model = nn::parts_of(network);
  task.loss = [&network](const nn::Batch& b) { return mse(network(b.x, b.pass), b.y); };
  task.train = nn::View(std::move(data), std::move(rows));
  task.sampler = nn::InOrder{};
  nn::TrainOptions options;
  options.epochs = epochs;
  options.batch = batch;
  options.replay = replay;
  return nn::Trainer(std::move(task), options, nn::parse_rule("Adam", 1e-6), nn::constant_rate(1e-3), Stream(1));
}

}  // namespace thimble::bench
