#include "apps/neurotrigger/train/experts.h"

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/io/atomic_file.h"
#include "core/parallel/blocks.h"

#include "apps/common/cli/logger.h"
#include "apps/neurotrigger/train/mean_log.h"
#include "apps/neurotrigger/train/restarts.h"
#include "apps/neurotrigger/train/training_loss.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>

namespace thimble::neurotrigger {
namespace {

using Clock = std::chrono::steady_clock;

std::vector<std::int64_t> kept_rows(const std::vector<std::int64_t>& rows, const Mask& mask) {
  std::vector<std::int64_t> kept;
  for (const std::int64_t row : rows)
    if (mask[static_cast<std::size_t>(row)] != 0) kept.push_back(row);
  return kept;
}

/// Masks of a filter on all splits; a split that is not there is not asked for rows.
std::array<Mask, 3> masks_of(const Settings& settings, const Splits& splits) {
  std::array<Mask, 3> masks;
  for (std::size_t k = 0; k < 3; ++k)
    if (splits.sets[k].rows() > 0) masks[k] = apply_filter(settings.filter.value_or(""), splits.sets[k]);
  return masks;
}

void make_masks(const RunSettings& settings, const Splits& splits, RunResult& run) {
  run.masks = masks_of(settings.all, splits);
  for (const auto& [expert, own] : settings.own)
    run.own_masks[expert] = own.filter == settings.all.filter ? run.masks : masks_of(own, splits);
}

/// Targets of all outputs; what tells the uncertainty has none of its own, its columns are zero.
Tensor target_table(const Dataset& data, std::int64_t estimates, std::int64_t extra) {
  if (extra == 0) return columns_of(data.targets, 0, estimates);
  Tensor table = Tensor::zeros({data.rows(), estimates + extra});
  for (std::int64_t row = 0; row < data.rows(); ++row)
    std::copy_n(data.targets.data<float>() + 2 * row, estimates, table.mut<float>() + row * (estimates + extra));
  return table;
}

std::shared_ptr<const nn::Dataset> training_table(const Dataset& data, const Settings& settings) {
  auto table = std::make_shared<nn::Dataset>();
  table->x = data.inputs;
  table->y = target_table(data, settings.out_size, extra_outputs(uncertainty_from_name(settings.uncertainty)));
  return table;
}

ExpertOutcome skipped(int expert, const std::string& reason) {
  ExpertOutcome out;
  out.expert = expert;
  out.status = ExpertStatus::skipped;
  out.reason = reason;
  log::warning("expert ", expert, " is skipped: ", reason);
  return out;
}

/// One expert; an error becomes a failed outcome unless the disk or the data make every expert useless.
ExpertOutcome guarded(const ExpertTask& task) {
  try {
    return train_with_restarts(task);
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::failed) throw;
    ExpertOutcome out;
    out.expert = task.expert;
    out.status = ExpertStatus::failed;
    out.reason = e.what();
    if (task.mean != nullptr) out.table = task.mean->reported(task.expert);
    log::warning("expert ", task.expert, " failed: ", e.what());
    return out;
  }
}

std::vector<ExpertTask> tasks_of(const RunSettings& settings, const Splits& splits, const RunResult& run) {
  const auto table = training_table(splits[Split::train], settings.all);
  std::vector<ExpertTask> tasks;
  for (const int expert : settings.experts) {
    const auto& masks = run.own_masks.at(expert);
    ExpertTask task;
    task.expert = expert;
    task.settings = &settings.own.at(expert);
    task.train_rows = kept_rows(splits[Split::train].rows_of(expert), masks[0]);
    task.train = weighted_table(table, *task.settings, task.train_rows);
    task.validation = splits[Split::val].select(kept_rows(splits[Split::val].rows_of(expert), masks[1]));
    tasks.push_back(std::move(task));
  }
  return tasks;
}

std::string missing_rows(const ExpertTask& task) {
  if (task.train_rows.empty()) return "no track to train on";
  return task.validation.rows() == 0 ? "no track to validate with" : "";
}

/// From the validation rows that the filter keeps.
Calibration calibration_of(const ExpertResult& result, const Splits& splits, const Mask& mask) {
  const SplitOutput& output = result.outputs[static_cast<std::size_t>(Split::val)];
  std::vector<std::int64_t> rows, positions;
  for (std::size_t i = 0; i < output.rows.size(); ++i)
    if (mask[static_cast<std::size_t>(output.rows[i])] != 0) {
      rows.push_back(output.rows[i]);
      positions.push_back(static_cast<std::int64_t>(i));
    }
  const Tensor y_hat = gather_rows(output.y_hat, positions), extra = gather_rows(output.extra, positions);
  return calibrate(physical_column(gather_rows(splits[Split::val].targets, rows)), physical_column(y_hat),
                   half_widths(y_hat, extra, result.uncertainty));
}

void judge(const Splits& splits, const std::array<Mask, 3>& masks, const Settings& settings, ExpertResult& result) {
  if (result.outcome.status != ExpertStatus::trained && result.outcome.status != ExpertStatus::interrupted) return;
  for (const Split split : kSplits) {
    const auto k = static_cast<std::size_t>(split);
    SplitOutput& output = result.outputs[k];
    output.rows = splits[split].rows_of(result.outcome.expert);
    const Tensor all = predict(result.outcome.model, gather_rows(splits[split].inputs, output.rows));
    output.y_hat = columns_of(all, 0, settings.out_size);
    output.extra = columns_of(all, settings.out_size, all.size(1) - settings.out_size);
    result.merits[k] = merit_of(compared_of(result, splits, split, masks[k]));
  }
  result.uncertainty = uncertainty_from_name(settings.uncertainty);
  if (result.uncertainty != Uncertainty::none)
    result.calibration = calibration_of(result, splits, masks[static_cast<std::size_t>(Split::val)]);
}

void judge_all(const RunSettings& settings, const Splits& splits, RunResult& run) {
  for (ExpertResult& expert : run.experts) {
    const int e = expert.outcome.expert;
    judge(splits, run.own_masks.at(e), settings.own.at(e), expert);
  }
  for (const Split split : kSplits)
    run.overall[static_cast<std::size_t>(split)] = merit_of(compared_of(run, splits, split));
}

/// Log of one expert's thread. With a single expert there is no such thread: the file stays empty.
std::string expert_log(const RunPlan& plan, int expert, std::size_t experts) {
  if (plan.folder.empty()) return "";
  const std::string file = text::cat(plan.folder, "/expert_", expert, ".log");
  if (experts > 1) return file;
  io::AppendFile(file).flush();
  return "";
}

bool early_stop(const std::vector<ExpertTask>& tasks) {
  return std::any_of(tasks.begin(), tasks.end(), [](const ExpertTask& t) { return t.settings->patience > 0; });
}

}  // namespace

void require_rows(const RunSettings& settings, const Splits& splits) {
  RunResult run;
  make_masks(settings, splits, run);
  for (const int expert : settings.experts) {
    const auto& masks = run.own_masks.at(expert);
    if (!kept_rows(splits[Split::train].rows_of(expert), masks[0]).empty() &&
        !kept_rows(splits[Split::val].rows_of(expert), masks[1]).empty())
      return;
  }
  throw Error(ErrorKind::data, "no expert has tracks to train on and to validate with", {"", 0, 0, "data.train"},
              "check data.train, data.val, experts and filter");
}

RunResult train_experts(const RunSettings& settings, const Splits& splits, const RunPlan& plan) {
  require_rows(settings, splits);
  RunResult run;
  make_masks(settings, splits, run);
  std::vector<ExpertTask> tasks = tasks_of(settings, splits, run);
  const app::StopWatch watch;
  std::optional<report::TrainProgress> progress;
  if (plan.progress != nullptr)
    progress.emplace(*plan.progress, "experts", static_cast<int>(tasks.size()), "tracks", early_stop(tasks));
  MeanLog mean(settings.experts, plan.folder);
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    tasks[i].folder = text::cat(plan.folder, "/expert_", tasks[i].expert);
    tasks[i].resume = plan.resume;
    tasks[i].program = plan.program;
    tasks[i].profile = plan.profile;
    tasks[i].interrupt = watch.flag();
    tasks[i].progress = progress;
    tasks[i].member = static_cast<int>(i);
    tasks[i].mean = &mean;
  }
  run.experts.resize(tasks.size());
  const Clock::time_point begin = Clock::now();
  parallel_jobs(static_cast<std::int64_t>(tasks.size()), [&](std::int64_t job) {
    const ExpertTask& task = tasks[static_cast<std::size_t>(job)];
    const app::LogBranch branch(expert_log(plan, task.expert, tasks.size()));
    const std::string missing = missing_rows(task);
    ExpertOutcome& outcome = run.experts[static_cast<std::size_t>(job)].outcome;
    outcome = missing.empty() ? guarded(task) : skipped(task.expert, missing);
    if (outcome.status != ExpertStatus::interrupted) mean.finish(task.expert);
  });
  run.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  run.interrupted = watch.raised();
  judge_all(settings, splits, run);
  return run;
}

RunResult evaluate_experts(const RunSettings& settings, const Splits& splits, const std::map<int, nn::Graph>& models) {
  RunResult run;
  make_masks(settings, splits, run);
  for (const int expert : settings.experts) {
    const auto found = models.find(expert);
    if (found == models.end()) continue;
    ExpertResult result;
    result.outcome.expert = expert;
    result.outcome.status = ExpertStatus::trained;
    result.outcome.model = found->second;
    run.experts.push_back(std::move(result));
  }
  judge_all(settings, splits, run);
  return run;
}

Compared compared_of(const ExpertResult& expert, const Splits& splits, Split split, const Mask& mask) {
  const SplitOutput& output = expert.outputs[static_cast<std::size_t>(split)];
  std::vector<std::int64_t> rows, positions;
  for (std::size_t i = 0; i < output.rows.size(); ++i) {
    if (mask[static_cast<std::size_t>(output.rows[i])] == 0) continue;
    rows.push_back(output.rows[i]);
    positions.push_back(static_cast<std::int64_t>(i));
  }
  const Dataset& data = splits[split];
  if (rows.empty()) return {};
  return {gather_rows(data.targets, rows), gather_rows(output.y_hat, positions), gather_rows(data.old, rows),
          data.has_old};
}

Compared compared_of(const RunResult& run, const Splits& splits, Split split) {
  std::vector<Compared> parts;
  for (const ExpertResult& expert : run.experts)
    if (!expert.outputs[static_cast<std::size_t>(split)].rows.empty())
      parts.push_back(
          compared_of(expert, splits, split, run.own_masks.at(expert.outcome.expert)[static_cast<std::size_t>(split)]));
  return join(parts);
}

HalfWidths widths_of(const ExpertResult& expert, Split split) {
  const SplitOutput& output = expert.outputs[static_cast<std::size_t>(split)];
  if (output.rows.empty() || !expert.calibration.one_sigma) return {};
  return scaled(half_widths(output.y_hat, output.extra, expert.uncertainty), *expert.calibration.one_sigma);
}

std::string position_of(const RunSettings& settings, const RunResult& run) {
  std::int64_t done = 0, of = 0;
  for (const ExpertResult& expert : run.experts) {
    if (expert.outcome.status != ExpertStatus::interrupted) continue;
    if (of != 0 && expert.outcome.epochs >= done) continue;
    done = expert.outcome.epochs;
    of = settings.own.at(expert.outcome.expert).epochs;
  }
  return of == 0 ? "" : text::cat("epoch ", done, " of ", of);
}

Networks networks_of(const RunResult& run) {
  Networks networks;
  for (const ExpertResult& expert : run.experts)
    if (!expert.outcome.model.nodes().empty()) networks[expert.outcome.expert] = state_of(expert.outcome.model);
  return networks;
}

}  // namespace thimble::neurotrigger
