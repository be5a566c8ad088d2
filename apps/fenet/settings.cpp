#include "apps/fenet/settings.h"

#include "core/base/error.h"
#include "core/base/log.h"

#include "apps/fenet/hardware/quantised_network.h"

#include <algorithm>

namespace thimble::fenet {
namespace {

constexpr std::int64_t kUsualKernel = 40, kUsualStride = 2;

[[noreturn]] void refuse_key(const std::string& key, const std::string& message, const std::string& hint = {}) {
  throw Error(ErrorKind::config, message, {"", 0, 0, key}, hint);
}

std::vector<int> narrow(const std::vector<std::int64_t>& values) {
  return {values.begin(), values.end()};
}

void take_list(const std::vector<std::int64_t>& list, std::vector<int>& values) {
  if (!list.empty()) values = narrow(list);
}

/// A list of another length than `kernels` that the user did not set follows it.
void follow(const std::vector<std::int64_t>& given, std::size_t levels, std::int64_t usual, std::vector<int>& values) {
  if (given.empty() && values.size() != levels) values.assign(levels, static_cast<int>(usual));
}

void take_numbered(const std::array<std::optional<std::int64_t>, kNumberedLevels>& keys, std::vector<int>& values) {
  for (std::size_t i = 0; i < std::min(keys.size(), values.size()); ++i)
    if (keys[i]) values[i] = static_cast<int>(*keys[i]);
}

void check_lengths(const Architecture& a) {
  const std::size_t levels = a.kernels.size();
  const auto check = [levels](const std::vector<int>& values, std::size_t wanted, const std::string& key) {
    if (values.size() != wanted)
      refuse_key("model." + key, text::cat(key, " has ", values.size(), " entries, ", levels, " levels need ", wanted));
  };
  check(a.strides, levels, "strides");
  check(a.relu_powers, levels, "relu_powers");
  check(a.features_by_layer, levels + 1, "features_by_layer");
  if (a.features_by_layer.back() != 1)
    refuse_key("model.features_by_layer", "the last entry belongs to the final pass output and must be 1");
}

void check_together(const Settings& s) {
  const Architecture a = architecture_of(s.model);
  std::int64_t least = a.features();
  if (s.pls.dims > least)
    refuse_key("pls.dims", text::cat("pls.dims is ", s.pls.dims, ", a channel has ", least, " features"),
               "at most as many dimensions as features");
  if (s.pls.learned != "none" && s.pls.dims == 0)
    refuse_key("pls.learned", "a learned reduction needs dimensions to keep", "pls.dims=2");
  if (s.pls.learned != "none" && !a.normalize_at_end)
    refuse_key("pls.learned", "a learned reduction follows the normalisation of the features",
               "model.normalize_at_end=true");
  if (s.train.fold && *s.train.fold >= s.train.folds)
    refuse_key("train.fold", text::cat("fold ", *s.train.fold, " of ", s.train.folds, " folds (counted from 0)"));
  if (s.quant.train && s.quant.rounding != "nearest")
    refuse_key("quant.rounding", "training through the rounding needs the nearest integer", "quant.rounding=nearest");
  if (s.quant.train) quant_type(s.quant);
  if (s.optim.anneal)
    log::warning("anneal is accepted for published configurations and changes nothing, as in every published version");
}

}  // namespace

const std::vector<std::pair<std::string, std::string>>& flat_keys() {
  static const std::vector<std::pair<std::string, std::string>> keys = [] {
    std::vector<std::pair<std::string, std::string>> list = {{"random_seed", "seed"},
                                                             {"decoder", "decoder.kind"},
                                                             {"pls_dims", "pls.dims"},
                                                             {"n_folds", "train.folds"},
                                                             {"fold", "train.fold"},
                                                             {"max_epochs", "train.epochs"},
                                                             {"eval_steps", "train.eval_steps"},
                                                             {"n_saves", "train.n_saves"},
                                                             {"n_channels", "run.n_channels"}};
    for (const char* key : {"n_feat_layers", "normalize_at_end"}) list.emplace_back(key, text::cat("model.", key));
    for (const char* key : {"lr", "anneal", "annealing_alpha", "thermal_sigma", "anneal_eval_window"})
      list.emplace_back(key, text::cat("optim.", key));
    for (std::size_t level = 1; level <= kNumberedLevels; ++level)
      for (const char* key : {"kernel", "stride", "relu"})
        list.emplace_back(text::cat(key, level), text::cat("model.", key, level));
    return list;
  }();
  return keys;
}

app::LoadOptions load_options() {
  app::LoadOptions options;
  options.app = "fenet";
  options.defaults = app::defaults_tree<Settings>();
  Settings settings;
  options.aliases = app::aliases_of(app::fields_of(settings));
  options.aliases.insert(options.aliases.end(), flat_keys().begin(), flat_keys().end());
  options.words = {{"decoder.kind", "0", "linear"}};
  options.environment = {{"FENET_MODEL_DATA_DIR", "data.dir"},
                         {"FENET_MODEL_MODEL_SAVE_DIR", "run.model_save_dir"},
                         {"FENET_MODEL_MAX_POOL_WORKERS", "run.workers"},
                         {"FENET_MODEL_QUANTIZED_MODEL_DIR", "run.quantized_model_dir"},
                         {"FENET_MODEL_QUANTIZED_DATA_DIR", "run.quantized_data_dir"},
                         {"FENET_MODEL_BEST_MODEL", "run.best_model"}};
  return options;
}

app::ConfigApp config_app() {
  return {load_options(), app::Schema::of<Settings>(), {}};
}

Settings bind_settings(const app::LoadedConfig& loaded) {
  auto settings = app::bind_config<Settings>(loaded.tree, {"extends"});
  check_together(settings);
  return settings;
}

Architecture architecture_of(const ModelKeys& keys) {
  Architecture a = preset(keys.preset);
  take_list(keys.kernels, a.kernels);
  take_list(keys.strides, a.strides);
  take_list(keys.relu_powers, a.relu_powers);
  const std::size_t levels = keys.n_feat_layers ? static_cast<std::size_t>(*keys.n_feat_layers - 1) : a.kernels.size();
  if (!keys.kernels.empty()) {
    follow(keys.strides, a.kernels.size(), kUsualStride, a.strides);
    follow(keys.relu_powers, a.kernels.size(), 0, a.relu_powers);
  }
  if (keys.n_feat_layers) {
    a.kernels.resize(levels, static_cast<int>(kUsualKernel));
    a.strides.resize(levels, static_cast<int>(kUsualStride));
    a.relu_powers.resize(levels, 0);
  }
  take_numbered(keys.kernel, a.kernels);
  take_numbered(keys.stride, a.strides);
  take_numbered(keys.relu, a.relu_powers);
  a.features_by_layer.assign(a.kernels.size() + 1, 1);
  take_list(keys.features_by_layer, a.features_by_layer);
  check_lengths(a);
  a.normalize_at_end = keys.normalize_at_end;
  a.dropout = keys.dropout;
  a.pool = keys.pool == "bitshift" ? kernels::WaveletPool::bitshift : kernels::WaveletPool::mean;
  a.chain().check();
  return a;
}

Architecture architecture_of(const Settings& settings) {
  Architecture a = architecture_of(settings.model);
  if (!settings.quant.train) return a;
  a.pool = kernels::WaveletPool::bitshift;
  const fixed::FxType type = quant_type(settings.quant);
  a.grid.on = a.grid.round_input = true;
  a.grid.weights = a.grid.activations = type;
  return a;
}

linalg::PlsOptions pls_options(const PlsKeys& keys) {
  linalg::PlsOptions options;
  options.components = keys.dims;
  options.solver = keys.solver == "svd"      ? linalg::PlsSolver::svd
                   : keys.solver == "simpls" ? linalg::PlsSolver::simpls
                                             : linalg::PlsSolver::nipals;
  options.scale = options.solver != linalg::PlsSolver::simpls;
  return options;
}

Protocol protocol_of(const Settings& s) {
  Protocol protocol;
  protocol.folds = s.eval.folds;
  protocol.pls = pls_options(s.pls);
  protocol.apply = s.pls.apply == "standardized" ? linalg::PlsApply::standardized : linalg::PlsApply::raw;
  if (protocol.apply == linalg::PlsApply::standardized) protocol.pls_rows = s.pls.train_batch;
  protocol.decoder = s.decoder;
  protocol.normalise = s.model.normalize_at_end;
  protocol.leak_free = s.eval.leak_free;
  return protocol;
}

Protocol with_reduction(Protocol protocol, const Network& network) {
  if (network.reduces()) protocol.learned = network.reduction.value;
  return protocol;
}

}  // namespace thimble::fenet
