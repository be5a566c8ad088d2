#include "core/base/error.h"
#include "core/random/philox.h"

#include "apps/fenet/model/weights_file.h"
#include "apps/fenet/train/fold_training.h"

#include <cmath>

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
  if (s.pls.learned != "none") config["pls.learned"] = s.pls.learned;
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

/// The filters of start_network.
void start_filters(const Settings& settings, Network& network) {
  if (!settings.model.weights) {
    initialise(network.graph, network.architecture);
    return;
  }
  const WeightsFile file = read_weights(*settings.model.weights);
  if (file.architecture.kernels != network.architecture.kernels)
    throw Error(ErrorKind::config,
                text::cat("the file holds a network of taps/stride ", levels_text(file.architecture),
                          ", the settings make ", levels_text(network.architecture)),
                {*settings.model.weights, 0, 0, "model.weights"},
                "set model.kernels and model.strides, or model.preset");
  network.set_weights(file.weights);
  if (settings.pls.learned != "none" && file.reduction.defined()) network.set_reduction(file.reduction);
}

/// A map of the shape that the settings ask for; one that the network has already must have it.
void start_reduction(const Settings& settings, std::int64_t channels, Network& network) {
  const std::int64_t features = network.architecture.features(), outputs = settings.pls.dims;
  const bool own = settings.pls.learned == "per_channel";
  const Shape shape = own ? Shape{channels, features, outputs} : Shape{features, outputs};
  if (network.reduces() && network.reduction.value.shape() != shape)
    throw Error(ErrorKind::config,
                text::cat("the file holds a learned reduction of shape ", network.reduction.value.shape(),
                          ", the settings make ", shape),
                {*settings.model.weights, 0, 0, "model.weights"}, "set pls.learned and pls.dims as in the file");
  if (network.reduces()) return;
  const Stream random = Rng(static_cast<std::uint64_t>(settings.seed)).stream("reduction");
  const Tensor map = Tensor::empty(shape);
  const double deviation = 1 / std::sqrt(static_cast<double>(features));
  for (std::int64_t i = 0; i < map.numel(); ++i)
    map.mut<float>()[i] = static_cast<float>(deviation * random.normal(0, static_cast<std::uint64_t>(i)));
  network.set_reduction(map);
}

}  // namespace

Network start_network(const Settings& settings, std::int64_t samples, std::int64_t channels) {
  Network network(architecture_of(settings), samples);
  start_filters(settings, network);
  if (channels > 0 && settings.pls.learned != "none") start_reduction(settings, channels, network);
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
