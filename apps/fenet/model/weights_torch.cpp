// PyTorch checkpoints: which part of a list is what, and which filter a name means.

#include "core/io/file.h"
#include "core/io/torch.h"

#include "apps/fenet/model/weights_parts.h"

namespace thimble::fenet {
namespace {

using io::TorchValue;

constexpr int kMostLevels = 64;

/// Where a tensor of the map of weights belongs.
struct FilterName {
  int level = -1;  // -1: not a filter
  bool feature = false;
};

FilterName numbered(std::string_view digits, int first, bool feature) {
  std::int64_t number = 0;
  const bool good = text::parse(digits, number) && number >= first && number < first + kMostLevels;
  return good ? FilterName{static_cast<int>(number) - first, feature} : FilterName{};
}

/// "layers.<i>.feat_l.weight" counts levels from 0, "hpf<i>.weight" (high-pass: the feature filter) from 1.
FilterName filter_name(std::string_view name) {
  constexpr std::string_view kNew = "layers.", kWeight = ".weight";
  if (name.size() <= kWeight.size() || name.substr(name.size() - kWeight.size()) != kWeight) return {};
  name.remove_suffix(kWeight.size());
  for (const auto& [start, feature] : {std::pair<std::string_view, bool>{"hpf", true}, {"lpf", false}})
    if (name.substr(0, start.size()) == start) return numbered(name.substr(start.size()), 1, feature);
  if (name.substr(0, kNew.size()) != kNew) return {};
  name.remove_prefix(kNew.size());
  for (const auto& [end, feature] : {std::pair<std::string_view, bool>{".feat_l", true}, {".pass_l", false}})
    if (name.size() > end.size() && name.substr(name.size() - end.size()) == end)
      return numbered(name.substr(0, name.size() - end.size()), 0, feature);
  return {};
}

bool is_state(const TorchValue& value) {
  if (value.map() == nullptr || value.map()->empty()) return false;
  for (const auto& entry : *value.map())
    if (entry.first->text() == nullptr || entry.second->tensor() == nullptr) return false;
  return true;
}

/// The numbers of a tensor whose other dimensions are 1.
Tensor flat(const TorchValue* value, const std::string& file, const std::string& part) {
  if (value == nullptr || value->tensor() == nullptr) refuse_weights(file, part, "is no tensor");
  const Tensor numbers = io::tensor_of(*value->tensor(), text::cat(file, ": ", part));
  const int last = numbers.rank() - 1;
  if (numbers.rank() == 0 || numbers.numel() == 0 || numbers.size(last) != numbers.numel())
    refuse_weights(file, part, text::cat("has the shape ", numbers.shape(), ", a filter is [1, 1, taps]"));
  return numbers.reshape({numbers.numel()});
}

void read_filters(const TorchValue& state, WeightsParts& parts) {
  for (const auto& entry : *state.map()) {
    const std::string& key = *entry.first->text();
    const FilterName where = filter_name(key);
    if (where.level < 0)
      refuse_weights(parts.file, text::printable(key), "is no filter of a FENet",
                     "filters are named layers.<i>.feat_l.weight and layers.<i>.pass_l.weight, or hpf<i>.weight and "
                     "lpf<i>.weight");
    auto& level = parts.levels[where.level];
    Tensor& filter = where.feature ? level.first : level.second;
    if (filter.defined()) refuse_weights(parts.file, text::printable(key), "stands for a filter that is there already");
    filter = flat(entry.second, parts.file, text::printable(key));
  }
}

void read_config(const TorchValue& config, WeightsParts& parts) {
  for (const auto& entry : *config.map()) {
    const std::string* key = entry.first->text();
    if (key == nullptr) continue;
    const TorchValue& value = *entry.second;
    double number = 0;
    if (const auto* truth = std::get_if<bool>(&value.content)) parts.config[*key] = *truth;
    if (const auto* whole = std::get_if<std::int64_t>(&value.content)) parts.config[*key] = *whole;
    if (std::holds_alternative<double>(value.content) && value.number(number)) parts.config[*key] = number;
    if (value.text() != nullptr) parts.config[*key] = *value.text();
  }
}

double setting(const TorchValue& group, const char* key, const std::string& file) {
  double out = 0;
  const TorchValue* value = group.find(key);
  if (value == nullptr || !value->number(out)) refuse_weights(file, text::cat("optimizer.", key), "is no number");
  return out;
}

/// Steps are whole numbers in old files and tensors of one element in newer ones.
std::int64_t step_of(const TorchValue* value, const std::string& file, const std::string& part) {
  double out = -1;
  if (value != nullptr && value->tensor() != nullptr) {
    const Tensor one = io::tensor_of(*value->tensor(), text::cat(file, ": ", part));
    if (one.numel() == 1) out = one.item();
  } else if (value == nullptr || !value->number(out)) {
    refuse_weights(file, part, "is no number");
  }
  if (!(out >= 0 && out <= 1e15 && out == static_cast<double>(static_cast<std::int64_t>(out))))
    refuse_weights(file, part, "is no whole number");
  return static_cast<std::int64_t>(out);
}

/// The state of AdamW: filter i of the map of weights has the number i. `order` says which filter that is.
void read_optimizer(const TorchValue& state, const std::vector<FilterName>& order, WeightsParts& parts) {
  const TorchValue *moments = state.find("state"), *groups = state.find("param_groups");
  if (moments == nullptr || moments->map() == nullptr || moments->map()->empty()) return;
  if (groups == nullptr || groups->list() == nullptr || groups->list()->size() != 1)
    refuse_weights(parts.file, "optimizer.param_groups", "is no list of one group");
  const TorchValue& group = *groups->list()->front();
  const TorchValue* betas = group.find("betas");
  AdamWState out;
  if (betas == nullptr || betas->list() == nullptr || betas->list()->size() != 2 ||
      !(*betas->list())[0]->number(out.beta1) || !(*betas->list())[1]->number(out.beta2))
    refuse_weights(parts.file, "optimizer.betas", "is no pair of numbers");
  out.lr = setting(group, "lr", parts.file);
  out.eps = setting(group, "eps", parts.file);
  out.weight_decay = setting(group, "weight_decay", parts.file);
  out.mean.resize(order.size());
  out.square.resize(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::string part = text::cat("optimizer.state.", i);
    const TorchValue* filter = moments->find(static_cast<std::int64_t>(i));
    if (filter == nullptr) refuse_weights(parts.file, part, "is missing");
    const std::int64_t step = step_of(filter->find("step"), parts.file, part + ".step");
    if (i > 0 && step != out.step) refuse_weights(parts.file, part + ".step", "differs from the steps before it");
    out.step = step;
    const std::size_t to = 2 * static_cast<std::size_t>(order[i].level) + (order[i].feature ? 0 : 1);
    if (to >= order.size()) refuse_weights(parts.file, part, "belongs to a filter out of order");
    out.mean[to] = flat(filter->find("exp_avg"), parts.file, part + ".exp_avg");
    out.square[to] = flat(filter->find("exp_avg_sq"), parts.file, part + ".exp_avg_sq");
  }
  parts.optimizer = std::move(out);
}

/// The parts of a checkpoint by their place in its list: [net, optimiser, scheduler], [config, net, optimiser,
/// scheduler] or [config, step, net, optimiser, scheduler]; a bare map of weights is a net.
struct ListParts {
  const TorchValue *config = nullptr, *step = nullptr, *net = nullptr, *optimizer = nullptr;
};

ListParts parts_of(const TorchValue& root, const std::string& file) {
  if (is_state(root)) return {nullptr, nullptr, &root, nullptr};
  const TorchValue::List* list = root.list();
  if (list == nullptr || list->size() < 3 || list->size() > 5)
    refuse_weights(file, "", "is neither a map of weights nor a list of 3, 4 or 5 parts",
                   "a checkpoint of FENet is [config, weights, optimiser, scheduler]");
  const std::size_t net = list->size() - 3;
  ListParts out{net > 0 ? (*list)[0] : nullptr, net > 1 ? (*list)[1] : nullptr, (*list)[net], (*list)[net + 1]};
  if (out.config != nullptr && out.config->map() == nullptr) refuse_weights(file, "part 1", "is no map of settings");
  if (!is_state(*out.net)) refuse_weights(file, text::cat("part ", net + 1), "is no map of weights");
  return out;
}

}  // namespace

WeightsParts read_torch_parts(const std::filesystem::path& path) {
  const auto file = io::read_torch(path);
  WeightsParts out;
  out.file = io::shown(path);
  const ListParts found = parts_of(*file->root, out.file);
  if (found.config != nullptr) read_config(*found.config, out);
  if (found.step != nullptr) out.config["step"] = step_of(found.step, out.file, "part 2");
  read_filters(*found.net, out);
  std::vector<FilterName> order;
  for (const auto& entry : *found.net->map()) order.push_back(filter_name(*entry.first->text()));
  if (found.optimizer != nullptr) read_optimizer(*found.optimizer, order, out);
  return out;
}

}  // namespace thimble::fenet
