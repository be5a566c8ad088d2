#include "core/io/atomic_file.h"
#include "core/io/hdf5.h"

#include "apps/fenet/train/fold_training.h"

namespace thimble::fenet {
namespace {

io::Hdf5Value whole_numbers(const std::vector<int>& values) {
  return {io::Array::from(std::vector<std::int32_t>(values.begin(), values.end())), {}, false};
}

}  // namespace

Network start_network(const Settings& settings, std::int64_t samples) {
  Network network(architecture_of(settings.model), samples);
  initialise(network.graph, network.architecture);
  return network;
}

void save_weights(const std::filesystem::path& file, const Network& network, const Settings&, std::int64_t,
                  std::int64_t, const nn::Optimizer*) {
  io::Hdf5Tree tree;
  auto& root = tree.attributes["/"];
  root["kernels"] = whole_numbers(network.architecture.kernels);
  const std::vector<Tensor> weights = network.weights();
  for (std::size_t i = 0; i < weights.size(); ++i)
    tree.datasets[text::cat("/layers/", i / 2, i % 2 == 0 ? "/feat" : "/pass", "/weight")] = {
        io::Array(weights[i]), {}, false};
  io::atomic_replace(file, io::build_hdf5(tree));
}

}  // namespace thimble::fenet
