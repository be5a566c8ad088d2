#include "core/base/error.h"

#include "apps/fenet/model/weights_file.h"
#include "apps/fenet/train/fold_training.h"

namespace thimble::fenet {
namespace {

std::string levels_text(const Architecture& a) {
  std::vector<std::string> levels;
  for (std::size_t i = 0; i < a.kernels.size(); ++i) levels.push_back(text::cat(a.kernels[i], "/", a.strides[i]));
  return text::join(levels, " ");
}

/// The settings under their published names.
ConfigMap config_of(const Settings& s, std::int64_t fold) {
  ConfigMap config;
  config["fold"] = fold;
  config["random_seed"] = s.seed;
  config["pls_dims"] = s.pls.dims;
  config["decoder"] = std::int64_t{0};
  config["normalize_at_end"] = s.model.normalize_at_end;
  config["optim.lr"] = s.optim.lr;
  config["optim.adamw_eps"] = s.optim.adamw_eps;
  config["optim.adamw_wd"] = s.optim.adamw_wd;
  config["anneal"] = s.optim.anneal;
  config["annealing_alpha"] = s.optim.annealing_alpha;
  config["thermal_sigma"] = s.optim.thermal_sigma;
  return config;
}

AdamWState state_of(const nn::Optimizer& optimizer, const OptimKeys& keys, std::size_t filters) {
  nn::State state;
  optimizer.save(state);
  AdamWState out;
  out.lr = keys.lr;
  out.beta1 = keys.beta1;
  out.beta2 = keys.beta2;
  out.eps = keys.adamw_eps;
  out.weight_decay = keys.adamw_wd;
  out.step = optimizer.steps();
  for (std::size_t i = 0; i < filters; ++i) {
    const std::string path = text::cat("layers.", i / 2, i % 2 == 0 ? ".feat" : ".pass");
    out.mean.push_back(state.tensor(path + ".m"));
    out.square.push_back(state.tensor(path + ".v"));
  }
  return out;
}

}  // namespace

Network start_network(const Settings& settings, std::int64_t samples) {
  Network network(architecture_of(settings), samples);
  if (!settings.model.weights) {
    initialise(network.graph, network.architecture);
    return network;
  }
  const WeightsFile file = read_weights(*settings.model.weights);
  if (file.architecture.kernels != network.architecture.kernels)
    throw Error(ErrorKind::config,
                text::cat("the file holds a network of taps/stride ", levels_text(file.architecture),
                          ", the settings make ", levels_text(network.architecture)),
                {*settings.model.weights, 0, 0, "model.weights"},
                "set model.kernels and model.strides, or model.preset");
  network.set_weights(file.weights);
  return network;
}

void save_weights(const std::filesystem::path& file, const Network& network, const Settings& settings,
                  std::int64_t fold, const nn::Optimizer* optimizer) {
  WeightsFile out = weights_of(network, config_of(settings, fold));
  if (optimizer != nullptr) out.optimizer = state_of(*optimizer, settings.optim, out.weights.size());
  write_weights(file, out);
}

void write_fold_weights(const std::filesystem::path& file, const Settings& settings, const FoldResult& fold,
                        const std::vector<Tensor>& weights) {
  Network network(architecture_of(settings));
  network.set_weights(weights);
  save_weights(file, network, settings, fold.fold, nullptr);
}

}  // namespace thimble::fenet
