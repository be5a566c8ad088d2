#include "apps/fenet/model/weights_file.h"

#include "core/base/log.h"
#include "core/io/atomic_file.h"
#include "core/io/file.h"
#include "core/io/hdf5.h"
#include "core/io/hdf5_foreign.h"
#include "core/io/torch.h"

#include "apps/fenet/model/weights_parts.h"

#include <algorithm>
#include <array>

namespace thimble::fenet {
namespace {

namespace fs = std::filesystem;

constexpr const char* kReductionPath = "/reduction/weight";
constexpr std::string_view kFormat = "fenet-weights-1";
constexpr std::string_view kZipStart = "PK\x03\x04";
constexpr std::string_view kSealStart = "\x89THBL";
constexpr int kMostTaps = 1 << 16;

std::string filter_path(std::size_t level, bool feature) {
  return text::cat(level, feature ? "/feat" : "/pass");
}

// ---- putting together

/// A whole number among the settings; nothing if it is not there.
std::optional<std::int64_t> whole(const WeightsParts& parts, const std::string& key) {
  const auto found = parts.config.find(key);
  if (found == parts.config.end()) return std::nullopt;
  if (const auto* number = std::get_if<std::int64_t>(&found->second)) return *number;
  const auto* real = std::get_if<double>(&found->second);
  if (real == nullptr || *real != static_cast<double>(static_cast<std::int64_t>(*real)))
    refuse_weights(parts.file, key, "is no whole number");
  return static_cast<std::int64_t>(*real);
}

bool truth(const WeightsParts& parts, const std::string& key) {
  const auto found = parts.config.find(key);
  if (found == parts.config.end()) return false;
  if (const auto* value = std::get_if<bool>(&found->second)) return *value;
  return whole(parts, key).value_or(0) != 0;
}

/// Numbers of all levels: from the caller, from the file, or setting by setting. `fallback` < 0: must be there.
std::vector<int> per_level(const WeightsParts& parts, const std::vector<int>& given, const std::vector<int>& stored,
                           const char* key, int fallback) {
  const std::size_t levels = parts.levels.size();
  const std::vector<int>& list = given.empty() ? stored : given;
  if (!list.empty() && list.size() != levels)
    refuse_weights(parts.file, key, text::cat(list.size(), " numbers for ", levels, " levels"));
  if (!list.empty()) return list;
  std::vector<int> out;
  for (std::size_t i = 1; i <= levels; ++i) {
    const std::string name = text::cat(key, i);
    const std::int64_t value = whole(parts, name).value_or(fallback);
    if (value < 0 || value > kMostTaps)
      refuse_weights(parts.file, name, "is missing or out of range", text::cat("give it: --", key, "s 2,2,2"));
    out.push_back(static_cast<int>(value));
  }
  return out;
}

void check_kernels(const WeightsParts& parts, const std::vector<int>& kernels) {
  if (!parts.kernels.empty() && parts.kernels != kernels)
    refuse_weights(parts.file, "kernels", "differ from the lengths of the filters");
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    const std::string key = text::cat("kernel", i + 1);
    const auto stated = whole(parts, key);
    if (stated && *stated != kernels[i])
      refuse_weights(parts.file, key, text::cat("is ", *stated, ", the filter has ", kernels[i], " taps"));
  }
  const auto layers = whole(parts, "n_feat_layers");
  if (layers && *layers != static_cast<std::int64_t>(kernels.size()) + 1)
    refuse_weights(parts.file, "n_feat_layers", text::cat("is ", *layers, ", there are ", kernels.size(), " levels"));
}

std::vector<int> lengths_of_filters(const WeightsParts& parts) {
  std::vector<int> out;
  for (const auto& [level, filters] : parts.levels) {
    const std::string part = text::cat("layers.", level);
    if (level != static_cast<int>(out.size())) refuse_weights(parts.file, part, "a level before it is missing");
    if (!filters.first.defined() || !filters.second.defined()) refuse_weights(parts.file, part, "has only one filter");
    if (filters.first.numel() != filters.second.numel() || filters.first.numel() > kMostTaps)
      refuse_weights(parts.file, part,
                     text::cat("the filters have ", filters.first.numel(), " and ", filters.second.numel(), " taps"));
    out.push_back(static_cast<int>(filters.first.numel()));
  }
  if (out.empty()) refuse_weights(parts.file, "", "no filter in the file");
  return out;
}

/// The shape must be one that a network can have; the error names the file, too.
void check_shape(const Architecture& architecture, const std::string& file) {
  try {
    static_cast<void>(architecture.chain());
  } catch (const Error& error) {
    refuse_weights(file, error.place().name, error.message());
  }
}

void check_moments(const WeightsParts& parts, const std::vector<Tensor>& weights) {
  const AdamWState& state = *parts.optimizer;
  for (const auto* moments : {&state.mean, &state.square}) {
    bool good = moments->size() == weights.size();
    for (std::size_t i = 0; good && i < weights.size(); ++i)
      good = (*moments)[i].defined() && (*moments)[i].numel() == weights[i].numel();
    if (!good) refuse_weights(parts.file, "optimizer", "the moments do not fit the filters");
  }
}

// ---- fenet-weights-1

const io::Hdf5Value* attribute(const io::Hdf5Tree& tree, const std::string& object, const std::string& name) {
  const auto at = tree.attributes.find(object);
  if (at == tree.attributes.end()) return nullptr;
  const auto found = at->second.find(name);
  return found == at->second.end() ? nullptr : &found->second;
}

std::vector<int> integers(const io::Hdf5Tree& tree, const std::string& file, const std::string& name) {
  const io::Hdf5Value* value = attribute(tree, "/", name);
  if (value == nullptr || value->is_text) refuse_weights(file, name, "is missing among the attributes");
  std::vector<int> out;
  for (const std::int64_t number : value->numbers.integers()) {
    if (number < 0 || number > kMostTaps) refuse_weights(file, name, text::cat(number, " is out of range"));
    out.push_back(static_cast<int>(number));
  }
  return out;
}

ConfigValue config_value(const io::Hdf5Value& value, const std::string& file, const std::string& key) {
  if (value.is_text && value.texts.size() == 1) return value.texts[0];
  if (value.is_text || value.numbers.numel() != 1) refuse_weights(file, "config." + key, "is no single value");
  const io::Element element = value.numbers.element();
  if (element == io::Element::f32 || element == io::Element::f64) return value.numbers.doubles()[0];
  return value.numbers.integers()[0];
}

Tensor stored_filter(const io::Hdf5Tree& tree, const std::string& file, const std::string& path) {
  const auto found = tree.datasets.find(path);
  if (found == tree.datasets.end() || found->second.is_text) refuse_weights(file, path, "is missing");
  const Tensor out = found->second.numbers.tensor(DType::f32);
  if (out.rank() != 1 || out.numel() == 0) refuse_weights(file, path, "is no list of taps");
  return out;
}

Tensor stored_reduction(const io::Hdf5Tree& tree, const std::string& file) {
  const io::Hdf5Value& value = tree.datasets.at(kReductionPath);
  if (value.is_text) refuse_weights(file, kReductionPath, "is text");
  const Tensor out = value.numbers.tensor(DType::f32);
  if ((out.rank() != 2 && out.rank() != 3) || out.numel() == 0)
    refuse_weights(file, kReductionPath, text::cat("has shape ", out.shape(), ", not [N, A] or [C, N, A]"));
  return out;
}

double optimizer_number(const io::Hdf5Tree& tree, const std::string& file, const char* key) {
  const io::Hdf5Value* value = attribute(tree, "/optimizer", key);
  if (value == nullptr || value->is_text || value->numbers.numel() != 1)
    refuse_weights(file, text::cat("optimizer.", key), "is missing");
  return value->numbers.doubles()[0];
}

AdamWState stored_optimizer(const io::Hdf5Tree& tree, const std::string& file, std::size_t levels) {
  const auto number = [&](const char* key) { return optimizer_number(tree, file, key); };
  AdamWState out{number("lr"), number("beta1"), number("beta2"), number("eps"), number("weight_decay"), 0, {}, {}};
  const double step = number("step");
  if (!(step >= 0 && step <= 1e15)) refuse_weights(file, "optimizer.step", "is out of range");
  out.step = static_cast<std::int64_t>(step);
  for (std::size_t i = 0; i < 2 * levels; ++i) {
    const std::string path = text::cat("/optimizer/", filter_path(i / 2, i % 2 == 0));
    out.mean.push_back(stored_filter(tree, file, path + "/exp_avg"));
    out.square.push_back(stored_filter(tree, file, path + "/exp_avg_sq"));
  }
  return out;
}

WeightsParts read_hdf5_parts(const fs::path& path) {
  const io::Hdf5Tree tree = io::read_foreign_hdf5(path);
  WeightsParts out;
  out.file = io::shown(path);
  const io::Hdf5Value* format = attribute(tree, "/", "format");
  if (format == nullptr || !format->is_text || format->texts.size() != 1 || format->texts[0] != kFormat)
    refuse_weights(out.file, "format", text::cat("the attribute is not \"", kFormat, "\""),
                   "weights are files of the format fenet-weights-1, PyTorch checkpoints or checkpoints of runs");
  out.kernels = integers(tree, out.file, "kernels");
  out.strides = integers(tree, out.file, "strides");
  out.relu_powers = integers(tree, out.file, "relu_powers");
  out.features_by_layer = integers(tree, out.file, "features_by_layer");
  if (const auto config = tree.attributes.find("/config"); config != tree.attributes.end())
    for (const auto& [key, value] : config->second) out.config[key] = config_value(value, out.file, key);
  for (std::size_t i = 0; i < out.kernels.size(); ++i) {
    const std::string level = "/layers/";
    out.levels[static_cast<int>(i)] = {stored_filter(tree, out.file, level + filter_path(i, true) + "/weight"),
                                       stored_filter(tree, out.file, level + filter_path(i, false) + "/weight")};
  }
  if (tree.datasets.contains(kReductionPath)) out.reduction = stored_reduction(tree, out.file);
  if (tree.attributes.contains("/optimizer")) out.optimizer = stored_optimizer(tree, out.file, out.kernels.size());
  return out;
}

io::Hdf5Value number_value(std::int64_t value) {
  return {io::Array::from(std::span<const std::int64_t>(&value, 1), {}), {}, false};
}
io::Hdf5Value number_value(double value) {
  return {io::Array::from(std::span<const double>(&value, 1), {}), {}, false};
}
io::Hdf5Value text_value(std::string_view text) {
  return {{}, {std::string(text)}, true};
}
io::Hdf5Value list_value(const std::vector<int>& list) {
  return {io::Array::from(std::vector<std::int32_t>(list.begin(), list.end())), {}, false};
}
io::Hdf5Value tensor_value(const Tensor& tensor) {
  return {io::Array(tensor.to(DType::f32)), {}, false};
}

io::Hdf5Value to_value(const ConfigValue& value) {
  if (const auto* logical = std::get_if<bool>(&value)) return number_value(std::int64_t{*logical});
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return number_value(*integer);
  if (const auto* real = std::get_if<double>(&value)) return number_value(*real);
  return text_value(std::get<std::string>(value));
}

void put_optimizer(io::Hdf5Tree& tree, const AdamWState& state) {
  auto& about = tree.attributes["/optimizer"];
  about = {{"kind", text_value("AdamW")},        {"lr", number_value(state.lr)},
           {"beta1", number_value(state.beta1)}, {"beta2", number_value(state.beta2)},
           {"eps", number_value(state.eps)},     {"weight_decay", number_value(state.weight_decay)},
           {"step", number_value(state.step)}};
  for (std::size_t i = 0; i < state.mean.size(); ++i) {
    const std::string path = text::cat("/optimizer/", filter_path(i / 2, i % 2 == 0));
    tree.datasets[path + "/exp_avg"] = tensor_value(state.mean[i]);
    tree.datasets[path + "/exp_avg_sq"] = tensor_value(state.square[i]);
  }
}

/// The weights alone as a map that PyTorch loads into its FENet.
std::string torch_state(const WeightsFile& file) {
  if (file.reduction.defined())
    log::warning("files for PyTorch hold the filters alone: the learned reduction is left out");
  std::vector<std::pair<std::string, Tensor>> state;
  for (std::size_t i = 0; i < file.weights.size(); ++i)
    state.emplace_back(text::cat("layers.", i / 2, i % 2 == 0 ? ".feat_l.weight" : ".pass_l.weight"),
                       file.weights[i].reshape({1, 1, file.weights[i].numel()}));
  return io::torch_bytes(state);
}

}  // namespace

void refuse_weights(const std::string& file, const std::string& part, const std::string& what,
                    const std::string& remedy) {
  throw Error(ErrorKind::data, what, {file, 0, 0, part}, remedy);
}

void put_shape(ConfigMap& config, const Architecture& architecture) {
  config["n_feat_layers"] = static_cast<std::int64_t>(architecture.kernels.size()) + 1;
  for (std::size_t i = 0; i < architecture.kernels.size(); ++i) {
    config[text::cat("kernel", i + 1)] = std::int64_t{architecture.kernels[i]};
    config[text::cat("stride", i + 1)] = std::int64_t{architecture.strides[i]};
    config[text::cat("relu", i + 1)] = std::int64_t{architecture.relu_powers[i]};
  }
  config["normalize_at_end"] = architecture.normalize_at_end;
  config["dropout"] = architecture.dropout;
  config["pool"] = std::string(architecture.pool == kernels::WaveletPool::mean ? "mean" : "bitshift");
}

WeightsFile assemble(WeightsParts parts, const ShapeOverride& shape) {
  WeightsFile out;
  Architecture& made = out.architecture;
  made.kernels = lengths_of_filters(parts);
  check_kernels(parts, made.kernels);
  made.strides = per_level(parts, shape.strides, parts.strides, "stride", -1);
  made.relu_powers = per_level(parts, shape.relu_powers, parts.relu_powers, "relu", 0);
  made.features_by_layer =
      parts.features_by_layer.empty() ? std::vector<int>(made.kernels.size() + 1, 1) : parts.features_by_layer;
  made.normalize_at_end = shape.normalize_at_end.value_or(truth(parts, "normalize_at_end"));
  if (const auto found = parts.config.find("pool"); found != parts.config.end())
    if (const auto* pool = std::get_if<std::string>(&found->second); pool != nullptr && *pool == "bitshift")
      made.pool = kernels::WaveletPool::bitshift;
  if (const auto found = parts.config.find("dropout"); found != parts.config.end())
    if (const auto* dropout = std::get_if<double>(&found->second)) made.dropout = *dropout;
  if (made.features_by_layer.size() != made.kernels.size() + 1)
    refuse_weights(parts.file, "features_by_layer",
                   text::cat(made.features_by_layer.size(), " numbers for ", made.kernels.size() + 1, " layers"));
  check_shape(made, parts.file);
  for (const auto& level : parts.levels) {
    out.weights.push_back(level.second.first);
    out.weights.push_back(level.second.second);
  }
  if (parts.optimizer) check_moments(parts, out.weights);
  out.config = std::move(parts.config);
  out.optimizer = std::move(parts.optimizer);
  if (parts.reduction.defined()) {
    const Tensor& map = parts.reduction;
    if (map.size(map.rank() - 2) != made.features())
      refuse_weights(parts.file, kReductionPath,
                     text::cat("has shape ", map.shape(), ", the network has ", made.features(), " features"));
    out.reduction = map;
  }
  return out;
}

WeightsFile read_weights(const fs::path& path, const ShapeOverride& shape) {
  const io::InputFile file = io::open_regular(path);
  std::array<char, kSealStart.size()> start{};
  const std::string_view bytes(start.data(), io::read_some(file, start.data(), start.size()));
  if (bytes.starts_with(kZipStart)) return assemble(read_torch_parts(path), shape);
  return assemble(bytes == kSealStart ? read_checkpoint_parts(path) : read_hdf5_parts(path), shape);
}

std::string weights_bytes(const WeightsFile& file) {
  const Architecture& shape = file.architecture;
  io::Hdf5Tree tree;
  std::int64_t numbers = 0;
  for (std::size_t i = 0; i < file.weights.size(); ++i) {
    tree.datasets[text::cat("/layers/", filter_path(i / 2, i % 2 == 0), "/weight")] = tensor_value(file.weights[i]);
    numbers += file.weights[i].numel();
  }
  if (file.reduction.defined()) tree.datasets[kReductionPath] = tensor_value(file.reduction);
  tree.attributes["/"] = {{"format", text_value(kFormat)},
                          {"n_feat_layers", number_value(static_cast<std::int64_t>(shape.kernels.size()) + 1)},
                          {"kernels", list_value(shape.kernels)},
                          {"strides", list_value(shape.strides)},
                          {"relu_powers", list_value(shape.relu_powers)},
                          {"features_by_layer", list_value(shape.features_by_layer)},
                          {"n_parameters", number_value(numbers)}};
  auto& config = tree.attributes["/config"];
  ConfigMap settings = file.config;
  put_shape(settings, shape);
  for (const auto& [key, value] : settings) config[key] = to_value(value);
  if (file.optimizer) put_optimizer(tree, *file.optimizer);
  return io::build_hdf5(tree);
}

void write_weights(const fs::path& path, const WeightsFile& file) {
  io::atomic_replace(path, path.extension() == ".pt" ? torch_state(file) : weights_bytes(file));
}

Network network_of(const WeightsFile& file, std::int64_t samples) {
  Network out(file.architecture, samples);
  const std::vector<Tensor> weights = out.weights();
  THIMBLE_CHECK(weights.size() == file.weights.size(), internal, "a network with ", weights.size(), " filters");
  for (std::size_t i = 0; i < weights.size(); ++i) copy_into(file.weights[i], weights[i]);
  if (file.reduction.defined()) out.set_reduction(file.reduction);
  return out;
}

WeightsFile weights_of(const Network& network, ConfigMap config) {
  WeightsFile out{network.architecture, {}, std::move(config), std::nullopt};
  for (const Tensor& filter : network.weights()) out.weights.push_back(filter.clone());
  if (network.reduces()) out.reduction = network.reduction.value.clone();
  put_shape(out.config, out.architecture);
  return out;
}

}  // namespace thimble::fenet
