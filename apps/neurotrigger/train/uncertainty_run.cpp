#include "apps/neurotrigger/train/uncertainty_run.h"

#include "core/base/error.h"
#include "core/io/json.h"
#include "core/linalg/stats.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace thimble::neurotrigger {
namespace {

using PullJson = nlohmann::json;

constexpr double kPullRange = 5.0;
constexpr std::size_t kPullBins = 50;

/// What the intervals of an expert are compared with on a split.
struct Judged {
  std::vector<double> reco, z;  // cm
  HalfWidths widths;            // before calibration
};

Judged judged_rows(const ExpertResult& expert, const Splits& splits, Split split, const Mask& mask) {
  const SplitOutput& output = expert.outputs[static_cast<std::size_t>(split)];
  Judged out;
  if (output.rows.empty() || expert.uncertainty == Uncertainty::none) return out;
  const Tensor& targets = splits[split].targets;
  const std::vector<double> reco = physical_column(targets), z = physical_column(output.y_hat);
  const HalfWidths widths = half_widths(output.y_hat, output.extra, expert.uncertainty);
  for (std::size_t i = 0; i < output.rows.size(); ++i) {
    if (mask[static_cast<std::size_t>(output.rows[i])] == 0) continue;
    out.reco.push_back(reco[static_cast<std::size_t>(output.rows[i])]);
    out.z.push_back(z[i]);
    out.widths.below.push_back(widths.below[i]);
    out.widths.above.push_back(widths.above[i]);
  }
  return out;
}

PullJson maybe_json(Maybe value) {
  return value ? PullJson(*value) : PullJson(nullptr);
}

PullJson coverage_object(const Coverage& c) {
  return {{"rows", c.rows},
          {"inside_68", maybe_json(c.one_sigma)},
          {"inside_95", maybe_json(c.two_sigma)},
          {"inside_68_uncalibrated", maybe_json(c.plain_one_sigma)},
          {"mean_half_width_cm", maybe_json(c.mean_width_cm)},
          {"pull_median", maybe_json(c.pull_median)},
          {"pull_trimmed_std", maybe_json(c.pull_trimmed)},
          {"correlation_with_error", maybe_json(c.correlation)}};
}

const char* uncertainty_name(Uncertainty kind) {
  return kind == Uncertainty::sigma ? "sigma" : kind == Uncertainty::quantiles ? "quantiles" : "none";
}

const Mask& own_mask(const RunResult& run, const ExpertResult& expert, Split split) {
  return run.own_masks.at(expert.outcome.expert)[static_cast<std::size_t>(split)];
}

Maybe factor_of(const PullJson& entry, const char* key) {
  return entry.at(key).is_null() ? Maybe() : Maybe(entry.at(key).get<double>());
}

}  // namespace

Coverage coverage_of(const ExpertResult& expert, const Splits& splits, Split split, const Mask& mask) {
  const Judged rows = judged_rows(expert, splits, split, mask);
  return coverage_of(rows.reco, rows.z, rows.widths, expert.calibration);
}

Tensor widths_in_order(const Splits& splits, const RunResult& run, Split split) {
  Tensor out = Tensor::zeros({splits[split].rows(), 2});
  for (const ExpertResult& expert : run.experts) {
    const HalfWidths widths = widths_of(expert, split);
    const std::vector<std::int64_t>& rows = expert.outputs[static_cast<std::size_t>(split)].rows;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      out.mut<float>()[2 * rows[i]] = static_cast<float>(widths.below[i]);
      out.mut<float>()[2 * rows[i] + 1] = static_cast<float>(widths.above[i]);
    }
  }
  return out;
}

bool has_uncertainty(const RunResult& run) {
  return std::any_of(run.experts.begin(), run.experts.end(),
                     [](const ExpertResult& e) { return e.uncertainty != Uncertainty::none; });
}

std::string uncertainty_json(const Splits& splits, const RunResult& run) {
  PullJson experts = PullJson::object();
  std::string kind = "none";
  for (const ExpertResult& expert : run.experts) {
    if (expert.uncertainty == Uncertainty::none) continue;
    kind = uncertainty_name(expert.uncertainty);
    PullJson& own = experts[std::to_string(expert.outcome.expert)];
    own = {{"calibration_rows", expert.calibration.rows},
           {"factor_68", maybe_json(expert.calibration.one_sigma)},
           {"factor_95", maybe_json(expert.calibration.two_sigma)}};
    for (const Split split : kSplits)
      own[name_of(split)] = coverage_object(coverage_of(expert, splits, split, own_mask(run, expert, split)));
  }
  return io::json_text(PullJson{{"uncertainty", kind}, {"experts", experts}}, 2) + "\n";
}

std::map<int, Calibration> read_calibrations(const std::filesystem::path& file) {
  const PullJson json = io::read_json(file);
  std::map<int, Calibration> out;
  try {
    for (const auto& [key, entry] : json.at("experts").items())
      out[std::stoi(key)] = {entry.at("calibration_rows").get<std::int64_t>(), factor_of(entry, "factor_68"),
                             factor_of(entry, "factor_95")};
  } catch (const std::exception& e) {
    throw Error(ErrorKind::data, text::cat("this file holds no calibration: ", e.what()),
                {file.string(), 0, 0, "experts"}, "thimble-neurotrigger report RUN writes it again");
  }
  return out;
}

report::Table coverage_table(const Splits& splits, const RunResult& run, Split split) {
  report::Table table;
  table.title = text::cat("Uncertainty of z on the ", name_of(split), " tracks");
  table.note =
      "inside: share of tracks whose reco z lies in the calibrated interval, which promises 68.3 or 95 %; factor: what "
      "the calibration on the validation tracks multiplied the widths by; pull: error / half width, its spread with 5 "
      "% dropped at each end is about 0.8 for Gaussian errors; correlation: of half width and |error|, 0 = the width "
      "says nothing about a single track";
  table.columns = {{"network", "", true, false},
                   {"tracks", "", false, false},
                   {"inside 68", "%", false, false},
                   {"inside 95", "%", false, false},
                   {"before calibration", "%", false, true},
                   {"factor", "", false, false},
                   {"mean half width", "cm", false, false},
                   {"pull median", "", false, false},
                   {"pull spread", "", false, false},
                   {"correlation", "", false, false}};
  for (const ExpertResult& expert : run.experts) {
    if (expert.uncertainty == Uncertainty::none) continue;
    const Coverage c = coverage_of(expert, splits, split, own_mask(run, expert, split));
    const int e = expert.outcome.expert;
    table.rows.push_back({network_name(e), report::number(static_cast<double>(c.rows), 0),
                          maybe_cell(c.one_sigma, 1, 100), maybe_cell(c.two_sigma, 1, 100),
                          maybe_cell(c.plain_one_sigma, 1, 100), maybe_cell(expert.calibration.one_sigma, 2),
                          maybe_cell(c.mean_width_cm, 2), maybe_cell(c.pull_median, 2), maybe_cell(c.pull_trimmed, 2),
                          maybe_cell(c.correlation, 2)});
  }
  return table;
}

report::Figure pull_figure(const ExpertResult& expert, const Splits& splits, Split split, const Mask& mask) {
  const Judged rows = judged_rows(expert, splits, split, mask);
  report::Figure f;
  const int e = expert.outcome.expert;
  f.name = text::cat("expert_", e, "-pull");
  f.title = text::cat(network_name(e), ": error of z over its uncertainty");
  f.caption =
      "Error of z divided by the calibrated half width of its 68 % interval. If the errors were Gaussian with these "
      "widths the steps would follow the line; more tracks outside +-2 are tracks that are worse than they claim.";
  f.x.label = "(reco z - network z) / half width";
  f.y.label = "tracks";
  if (rows.z.empty() || !expert.calibration.one_sigma) return f;
  const std::vector<double> values = pulls(rows.reco, rows.z, scaled(rows.widths, *expert.calibration.one_sigma));
  const linalg::Histogram histogram = linalg::histogram(values, kPullBins, linalg::Range{-kPullRange, kPullRange});
  f.series.push_back(report::histogram_series(
      "tracks", histogram,
      report::statistics_text(values.size(), linalg::mean(values), linalg::trimmed_standard_deviation(values), "")));
  report::Series normal;
  normal.name = "normal distribution";
  const double per_bin = static_cast<double>(values.size()) * 2 * kPullRange / static_cast<double>(kPullBins);
  for (double x = -kPullRange; x <= kPullRange + 1e-9; x += 0.1) {
    normal.x.push_back(x);
    normal.y.push_back(per_bin * std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi));
  }
  f.series.push_back(std::move(normal));
  return f;
}

Study uncertainty_study(const RunSettings&, const RunResult& run, const Splits& splits, Split split) {
  Study study;
  if (!has_uncertainty(run)) return study;
  study.section.heading = text::cat("Uncertainty of z, ", name_of(split), " tracks");
  study.section.text = {
      "Every track has an interval around its z that should hold 68 % of such tracks. Inside 68 and inside 95 have to "
      "be "
      "close to 68.3 and 95 %; if they are not, these tracks differ from the validation tracks that the widths were "
      "calibrated on. A correlation near 0 means that all tracks are about equally uncertain, or that the network "
      "cannot "
      "tell which are."};
  study.section.tables = {coverage_table(splits, run, split)};
  for (const ExpertResult& expert : run.experts)
    study.section.figures.push_back(pull_figure(expert, splits, split, own_mask(run, expert, split)));
  std::erase_if(study.section.figures, [](const report::Figure& f) { return f.series.empty(); });
  study.files = {{"uncertainty.json", uncertainty_json(splits, run)},
                 {"uncertainty.csv", report::csv(study.section.tables[0])}};
  return study;
}

}  // namespace thimble::neurotrigger
