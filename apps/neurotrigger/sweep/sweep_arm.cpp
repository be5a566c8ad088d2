#include "apps/neurotrigger/sweep/sweep_arm.h"

#include "core/base/error.h"
#include "core/io/atomic_file.h"
#include "core/io/json.h"

#include "apps/neurotrigger/hardware/hardware_model.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace thimble::neurotrigger {
namespace {

constexpr std::size_t kSplitsHeld = 4;
static_assert(kRejections[1] == kSweepRejection);

/// Numbers of one expert on one split; what does not exist is left out.
std::map<std::string, double> merit_metrics(const Merit& m) {
  const auto& point = m.trigger.at[1];
  const std::vector<std::pair<const char*, Maybe>> all{{"z_cm", m.z_trimmed_cm},
                                                       {"z_near_cm", m.z_trimmed_near_cm},
                                                       {"efficiency", point.efficiency},
                                                       {"far_kept", m.trigger.far_kept},
                                                       {"feed_down_cm", m.trigger.feed_down_cm},
                                                       {"theta_deg", m.theta_trimmed_deg},
                                                       {"loss", m.loss}};
  std::map<std::string, double> out;
  for (const auto& [name, value] : all)
    if (value) out[name] = *value;
  return out;
}

/// All tracks of the expert, those that the arm's filter drops included: every arm is judged on the same tracks.
std::map<std::string, double> judge_arm(const ExpertResult& expert, const Splits& splits, Split split) {
  const Mask all(static_cast<std::size_t>(splits[split].rows()), 1);
  const Compared compared = compared_of(expert, splits, split, all);
  return compared.rows() == 0 ? std::map<std::string, double>() : merit_metrics(merit_of(compared));
}

/// True when the network fits the integers of the present trigger.
bool fits_hardware(const nn::Graph& trained) {
  try {
    const std::optional<nn::Graph> form = hardware_form(trained);
    if (form) hardware_graph(*form, "network");
    return form.has_value();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::internal) throw;
    return false;
  }
}

bool was_trained(const ExpertResult& expert) {
  return expert.outcome.status == ExpertStatus::trained;
}

void add_means(const std::string& prefix, const std::vector<std::map<std::string, double>>& experts,
               std::map<std::string, double>& metrics) {
  std::map<std::string, std::pair<double, int>> sums;
  for (const auto& expert : experts)
    for (const auto& [name, value] : expert) {
      sums[name].first += value;
      ++sums[name].second;
    }
  for (const auto& [name, sum] : sums) metrics[prefix + name] = sum.first / sum.second;
}

void add_costs(const RunResult& run, std::map<std::string, double>& metrics) {
  double epochs = 0, trained = 0, unfinished = 0;
  nn::Cost cost;
  bool hardware = true;
  for (const ExpertResult& expert : run.experts) {
    if (!was_trained(expert)) continue;
    const nn::Cost own = nn::total(nn::costs(expert.outcome.model));
    if (own.macs >= cost.macs) cost = own;  // experts may differ: the largest sizes the hardware
    epochs += static_cast<double>(expert.outcome.epochs);
    unfinished += 10 * expert.outcome.best_epoch > 9 * expert.outcome.epochs ? 1 : 0;
    ++trained;
    hardware = hardware && fits_hardware(expert.outcome.model);
  }
  if (trained == 0) return;
  metrics["epochs"] = epochs / trained;
  metrics["unfinished"] = unfinished / trained;
  metrics["parameters"] = static_cast<double>(cost.parameters);
  metrics["macs"] = static_cast<double>(cost.macs);
  metrics["hardware"] = hardware ? 1 : 0;
}

/// Why the arm counts as failed: an expert that failed, or whose network gives no finite loss; such an arm must not be
/// ranked by its other experts.
std::string failures_of(const RunResult& run, const std::map<std::string, double>& metrics) {
  std::vector<std::string> reasons;
  for (const ExpertResult& expert : run.experts) {
    const std::string name = text::cat("expert ", expert.outcome.expert, ": ");
    const auto loss = metrics.find(text::cat("expert_", expert.outcome.expert, ".loss"));
    if (expert.outcome.status == ExpertStatus::failed)
      reasons.push_back(name + expert.outcome.reason);
    else if (was_trained(expert) && (loss == metrics.end() || !std::isfinite(loss->second)))
      reasons.push_back(name + "the trained network gives no finite loss");
  }
  return text::join(reasons, "; ");
}

/// summary.json of an arm, so that `runs show`, `compare` and `evaluate` understand its folder.
std::string summary_of(const RunSettings& settings, const std::map<std::string, double>& metrics, bool failed) {
  nlohmann::json values = nlohmann::json::object();
  for (const auto& [name, value] : metrics) values[name] = value;
  return io::json_text(nlohmann::json{{"schema", "thimble.result/1"},
                                      {"app", "neurotrigger"},
                                      {"verb", "sweep"},
                                      {"status", failed ? "failed" : "ok"},
                                      {"seed", settings.all.seed},
                                      {"metrics", values},
                                      {"config", nlohmann::json::parse(app::to_json(settings.tree.nested()))}},
                       2) +
         "\n";
}

}  // namespace

const std::vector<SweepMetric>& sweep_metrics() {
  static const std::vector<SweepMetric> list{{"z_cm", "std z", "cm", 3, nn::Goal::min, 1},
                                             {"z_near_cm", "std z near", "cm", 3, nn::Goal::min, 1},
                                             {"efficiency", "efficiency", "%", 1, nn::Goal::max, 100},
                                             {"far_kept", "far kept", "%", 1, nn::Goal::min, 100},
                                             {"feed_down_cm", "feed-down", "cm", 2, nn::Goal::min, 1},
                                             {"theta_deg", "std theta", "deg", 2, nn::Goal::min, 1},
                                             {"loss", "loss", "", 5, nn::Goal::min, 1}};
  return list;
}

std::map<std::string, double> arm_metrics(const RunResult& run, const Splits& splits) {
  std::map<std::string, double> metrics;
  for (const Split split : {Split::val, Split::test}) {
    const std::string prefix = split == Split::test ? "test_" : "";
    std::vector<std::map<std::string, double>> experts;
    for (const ExpertResult& expert : run.experts) {
      if (!was_trained(expert)) continue;
      experts.push_back(judge_arm(expert, splits, split));
      for (const auto& [name, value] : experts.back())
        metrics[text::cat("expert_", expert.outcome.expert, ".", prefix, name)] = value;
    }
    add_means(prefix, experts, metrics);
  }
  add_costs(run, metrics);
  return metrics;
}

std::shared_ptr<const Splits> SplitCache::get(const Settings& settings) {
  const std::string key =
      text::cat(settings.seed, " ", app::to_json(app::dump_config(settings.data)), settings.compare_to.value_or(""));
  const std::lock_guard<std::mutex> hold(mutex_);
  const auto found = std::find_if(held_.begin(), held_.end(), [&](const auto& entry) { return entry.first == key; });
  if (found != held_.end()) {
    held_.splice(held_.begin(), held_, found);
    return held_.front().second;
  }
  held_.emplace_front(key, std::make_shared<const Splits>(load_splits(settings)));
  if (held_.size() > kSplitsHeld) held_.pop_back();
  return held_.front().second;
}

app::LoadedConfig loaded_arm(const app::Sweep& sweep, const nn::search::Assignment& values, std::size_t repeat) {
  const app::ArmConfig arm = app::config_of(sweep, values, repeat);
  app::LoadOptions options = load_options();
  options.announce = false;
  // images during training would cost more than the trainings; a setting of the sweep still wins
  std::vector<app::Override> overrides{{app::Override::Kind::set, "plots.every", "0", "plots.every=0"}};
  overrides.insert(overrides.end(), arm.overrides.begin(), arm.overrides.end());
  return app::load_config(arm.config, overrides, options);
}

RunSettings settings_of(const app::Sweep& sweep, const nn::search::Assignment& values, std::size_t repeat) {
  return bind_settings(loaded_arm(sweep, values, repeat));
}

std::string folder_of(const app::Sweep& sweep, std::size_t arm, std::size_t repeat) {
  char number[32];
  std::snprintf(number, sizeof number, "arms/%03zu", arm);
  return sweep.seeds.size() < 2 ? number : text::cat(number, "-seed_", sweep.seeds[repeat]);
}

std::optional<nn::search::Outcome> ArmTrainer::operator()(const nn::search::Trial& trial) {
  const app::LoadedConfig loaded = loaded_arm(sweep_, *trial.values, trial.repeat);
  const RunSettings settings = bind_settings(loaded);
  const std::filesystem::path folder = run_ / folder_of(sweep_, trial.arm, trial.repeat);
  std::filesystem::create_directories(folder);
  io::atomic_replace(folder / "config.yaml", app::resolved_yaml(loaded, config_app()));
  const std::shared_ptr<const Splits> splits = splits_.get(settings.all);
  RunPlan plan;
  plan.folder = folder.string();
  plan.resume = true;
  const RunResult run = train_experts(settings, *splits, plan);
  if (run.interrupted) return std::nullopt;
  nn::search::Outcome outcome;
  outcome.metrics = arm_metrics(run, *splits);
  outcome.reason = failures_of(run, outcome.metrics);
  outcome.failed = !outcome.reason.empty();
  io::atomic_replace(folder / "weights.json", weights_json(networks_of(run)));
  io::atomic_replace(folder / "summary.json", summary_of(settings, outcome.metrics, outcome.failed));
  return outcome;
}

}  // namespace thimble::neurotrigger
