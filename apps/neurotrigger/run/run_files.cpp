#include "apps/neurotrigger/run/run_files.h"

#include "core/io/atomic_file.h"
#include "core/io/json.h"
#include "core/io/sealed.h"

#include "apps/neurotrigger/data/track_text.h"
#include "apps/neurotrigger/run/legacy_names.h"
#include "apps/neurotrigger/study/reference_statistics.h"
#include "apps/neurotrigger/train/uncertainty_run.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace thimble::neurotrigger {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

Json number(Maybe value) {
  return value ? Json(*value) : Json(nullptr);
}

/// Cuts on |network z|: near = |reco z| < 1 cm, far = |reco z| > 20 cm.
Json trigger_object(const TriggerNumbers& t) {
  Json out = {{"near_rows", t.near_rows},
              {"far_rows", t.far_rows},
              {"resolution_cm", number(t.resolution_cm)},
              {"efficiency_cut_15cm", number(t.efficiency)},
              {"far_kept_cut_15cm", number(t.far_kept)},
              {"far_kept_plus_cut_15cm", number(t.far_kept_plus)},
              {"feed_down_cm", number(t.feed_down_cm)},
              {"feed_up_cm", number(t.feed_up_cm)}};
  for (const WorkingPoint& point : t.at) {
    const std::string percent = text::fixed(100 * point.rejection, 0);
    out["efficiency_rejecting_" + percent] = number(point.efficiency);
    out["cut_cm_rejecting_" + percent] = number(point.cut_cm);
  }
  return out;
}

Json merit_object(const Merit& m) {
  return {{"rows", m.rows},
          {"loss", number(m.loss)},
          {"loss_old", number(m.loss_old)},
          {"loss_vs_old_loss", number(m.loss_vs_old)},
          {"z_diff_std", number(m.z_std)},
          {"z_diff_std_old", number(m.z_std_old)},
          {"z_diff_std_vs_old", number(m.z_std_vs_old)},
          {"z_trimmed_std_cm", number(m.z_trimmed_cm)},
          {"z_trimmed_std_near_cm", number(m.z_trimmed_near_cm)},
          {"z_trimmed_std_old_cm", number(m.z_trimmed_old_cm)},
          {"z_mean_cm", number(m.z_mean_cm)},
          {"theta_trimmed_std_deg", number(m.theta_trimmed_deg)},
          {"trigger", trigger_object(m.trigger)}};
}

const Mask& mask_for(const Splits& splits, const RunResult& run, int expert, Split split, bool filtered, Mask& all) {
  if (filtered) return run.own_masks.at(expert)[static_cast<std::size_t>(split)];
  all = keep_all(splits[split]);
  return all;
}

/// Losses and spreads of one split, with or without the filter.
Json losses_of(const Splits& splits, const RunResult& run, Split split, bool filtered) {
  std::vector<Compared> parts;
  Json loss = Json::object(), spread = Json::object();
  Mask all;
  for (const ExpertResult& expert : run.experts) {
    const int e = expert.outcome.expert;
    Merit merit;
    if (!expert.outputs[static_cast<std::size_t>(split)].rows.empty()) {
      parts.push_back(compared_of(expert, splits, split, mask_for(splits, run, e, split, filtered, all)));
      merit = merit_of(parts.back());
    }
    loss[std::to_string(e)] = number(merit.loss);
    spread[std::to_string(e)] = number(merit.z_std);
  }
  const Merit overall = merit_of(join(parts));
  return {
      {"loss_overall", number(overall.loss)}, {"std_overall", number(overall.z_std)}, {"loss", loss}, {"std", spread}};
}

bool any_filter(const RunSettings& settings) {
  return std::any_of(settings.own.begin(), settings.own.end(),
                     [](const auto& own) { return own.second.filter && !own.second.filter->empty(); });
}

/// Simulated splits up to this many rows get their text form by themselves; a row is about 400 bytes.
constexpr std::int64_t kMostSimulatedRows = 20'000;

bool wants_text(const Settings& settings, const Splits& splits, Split split) {
  if (settings.predictions != "auto") return settings.predictions == "all";
  return !splits.simulated || splits[split].rows() <= kMostSimulatedRows;
}

void write_predictions(const fs::path& folder, const Settings& settings, const Splits& splits, const RunResult& run,
                       bool filtered) {
  const HeaderStyle header = settings.legacy_names ? HeaderStyle::spaces : HeaderStyle::tabs;
  for (const Split split : kSplits) {
    if (splits[split].rows() == 0) continue;
    const std::string stem = text::cat("random", static_cast<int>(split) + 1, filtered ? "_filtered" : "");
    io::atomic_replace(folder / ("prediction_" + stem + ".h5"), predictions_hdf5(splits, run, split, filtered));
    if (wants_text(settings, splits, split))
      io::atomic_replace(folder / ("pred_data_" + stem + ".csv"),
                         prediction_text(splits[split], outputs_in_order(splits, run, split, filtered), header,
                                         has_uncertainty(run) ? widths_in_order(splits, run, split) : Tensor()));
  }
}

}  // namespace

std::string merit_json(const Merit& merit) {
  return io::json_text(merit_object(merit), 2) + "\n";
}

std::string losses_json(const RunSettings& settings, const Splits& splits, const RunResult& run) {
  Json out = Json::object();
  for (const Split split : kSplits)
    out[name_of(split)] = {{"filtered", any_filter(settings) ? losses_of(splits, run, split, true) : Json::object()},
                           {"unfiltered", losses_of(splits, run, split, false)}};
  return io::json_text(out);
}

Tensor outputs_in_order(const Splits& splits, const RunResult& run, Split split, bool filtered) {
  Tensor out = Tensor::zeros({splits[split].rows(), 2});
  for (const ExpertResult& expert : run.experts) {
    const SplitOutput& output = expert.outputs[static_cast<std::size_t>(split)];
    if (output.rows.empty()) continue;
    Mask all;
    const Mask& mask = mask_for(splits, run, expert.outcome.expert, split, filtered, all);
    const std::int64_t width = output.y_hat.size(1);
    for (std::size_t i = 0; i < output.rows.size(); ++i)
      if (mask[static_cast<std::size_t>(output.rows[i])] != 0)
        std::copy_n(output.y_hat.data<float>() + static_cast<std::int64_t>(i) * width, width,
                    out.mut<float>() + 2 * output.rows[i]);
  }
  return out;
}

std::string predictions_hdf5(const Splits& splits, const RunResult& run, Split split, bool filtered) {
  Mask predicted(static_cast<std::size_t>(splits[split].rows()), 0);
  std::int64_t width = 2;
  for (const ExpertResult& expert : run.experts) {
    const SplitOutput& output = expert.outputs[static_cast<std::size_t>(split)];
    if (output.rows.empty()) continue;
    width = output.y_hat.size(1);
    Mask all;
    const Mask& mask = mask_for(splits, run, expert.outcome.expert, split, filtered, all);
    for (const std::int64_t row : output.rows)
      predicted[static_cast<std::size_t>(row)] = mask[static_cast<std::size_t>(row)];
  }
  const std::vector<std::int64_t> rows = rows_of(predicted);
  io::SealedWriter file;
  file.attribute("/", "tracks", content_hash(splits[split]));
  file.dataset("/idx", rows);
  file.dataset("/y_hat", gather_rows(outputs_in_order(splits, run, split, filtered), rows, width));
  if (has_uncertainty(run)) file.dataset("/sigma_z_cm", gather_rows(widths_in_order(splits, run, split), rows));
  return file.finish();
}

void write_run_files(const fs::path& folder, const RunSettings& settings, const Splits& splits, const RunResult& run) {
  const bool legacy = settings.all.legacy_names;
  io::atomic_replace(folder / "weights.json", weights_json(networks_of(run)));
  for (const ExpertResult& expert : run.experts) {
    const fs::path own = folder / text::cat("expert_", expert.outcome.expert);
    fs::create_directories(own);
    for (const Split split : kSplits)
      io::atomic_replace(own / result_name(split, legacy),
                         result_text(expert.merits[static_cast<std::size_t>(split)], split, legacy));
  }
  io::atomic_replace(folder / kReferenceStatistics, statistics_json(training_statistics(splits, run)));
  if (has_uncertainty(run)) io::atomic_replace(folder / "uncertainty.json", uncertainty_json(splits, run));
  write_predictions(folder, settings.all, splits, run, false);
  if (any_filter(settings)) write_predictions(folder, settings.all, splits, run, true);
}

}  // namespace thimble::neurotrigger
