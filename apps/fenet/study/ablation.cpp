#include "core/io/json.h"

#include "apps/fenet/study/study.h"

#include <nlohmann/json.hpp>

#include <cmath>

namespace thimble::fenet {
namespace {

using AblationJson = nlohmann::ordered_json;

/// Labels of a recording whose unit nobody took out: ten times larger, away from 0.
constexpr double kLabelFactor = 10, kLabelShift = 3;

struct Variant {
  bool input = true, labels = true, pls = true, batch_norm = true;
  std::string name() const {
    std::vector<std::string> off;
    if (!input) off.emplace_back("input normalisation");
    if (!labels) off.emplace_back("label normalisation");
    if (!pls) off.emplace_back("PLS");
    if (!batch_norm) off.emplace_back("batch normalisation");
    return off.empty() ? "all on" : "without " + text::join(off, ", ");
  }
};

std::vector<Variant> variants_of(bool full) {
  std::vector<Variant> out;
  for (int code = 0; code < 16; ++code) {
    const int off = (code & 1) + (code >> 1 & 1) + (code >> 2 & 1) + (code >> 3 & 1);
    if (full || off <= 1) out.push_back({(code & 1) == 0, (code & 2) == 0, (code & 4) == 0, (code & 8) == 0});
  }
  return out;
}

Tensor unnormalised(const Tensor& labels) {
  const Tensor out = labels.clone();
  for (std::int64_t i = 0; i < out.numel(); ++i)
    out.mut<float>()[i] = static_cast<float>(kLabelFactor * static_cast<double>(labels.data<float>()[i]) + kLabelShift);
  return out;
}

struct Outcome {
  Variant variant;
  Judged result, difference;  // of its metric to that of "all on", fold by fold
  double loss = 0;
};

Outcome run_variant(const Settings& base, const Variant& variant, const std::vector<double>& reference,
                    const StudyOptions& options) {
  Settings settings = base;
  settings.data.preprocess.standardize = variant.input;
  settings.model.normalize_at_end = variant.batch_norm;
  settings.pls.dims = variant.pls ? std::max<std::int64_t>(1, base.pls.dims) : 0;
  std::vector<Session> sessions = sessions_of(load_recordings(settings).train);
  for (Session& session : sessions) {
    session = first_segments(session, options.segments);
    if (!variant.labels) session.labels = unnormalised(session.labels);
  }
  const TrainedScores scores = train_and_judge(settings, sessions, options.interrupt);
  Outcome out{variant, judged(scores.values), {}, scores.folds.back().losses.back()};
  std::vector<double> differences;
  for (std::size_t i = 0; i < std::min(reference.size(), scores.values.size()); ++i)
    differences.push_back(scores.values[i] - reference[i]);
  if (reference.empty()) differences.assign(scores.values.size(), 0.0);
  out.difference = judged(differences);
  out.result.values = scores.values;
  return out;
}

report::Table ablation_table(const std::vector<Outcome>& outcomes) {
  report::Table table;
  table.title = "What each part is worth";
  table.note =
      "R2 (pearsonr2-xy-normed) of the held-out sessions with 95 % bootstrap intervals over their folds; the "
      "difference is formed fold by fold";
  table.columns = {{"training", "", true, false},
                   {"R2", "", false, false},
                   {"difference to all on", "", false, false},
                   {"invalid folds", "", false, false}};
  for (const Outcome& o : outcomes)
    table.rows.push_back({o.variant.name(), text_of(o.result), text_of(o.difference),
                          report::number(static_cast<double>(o.result.invalid), 0)});
  return table;
}

report::Figure ablation_figure(const std::vector<Outcome>& outcomes) {
  report::Figure f = report::plain_figure("ablation", "Parts of the training switched off",
                                          "R2 of the held-out sessions with 95 % intervals.", report::figure_axis(""),
                                          report::figure_axis("R2 (pearsonr2-xy-normed)"));
  report::Series s;
  s.mark = report::Mark::error_bars;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const Judged& r = outcomes[i].result;
    f.x.names.emplace_back(static_cast<double>(i), text::to_text(i));
    if (!std::isfinite(r.mean)) continue;
    s.x.push_back(static_cast<double>(i));
    s.y.push_back(r.mean);
    s.low.push_back(r.interval.low);
    s.high.push_back(r.interval.high);
  }
  f.x.low = -0.5;
  f.x.high = static_cast<double>(outcomes.size()) - 0.5;
  f.y.low = 0;
  f.series.push_back(std::move(s));
  return f;
}

}  // namespace

Look ablation_study(const View& view, const StudyOptions& options) {
  const std::vector<Variant> variants = variants_of(options.full);
  std::vector<Outcome> outcomes;
  std::vector<double> reference;
  for (const Variant& variant : variants) {
    options.tell(static_cast<double>(outcomes.size()), static_cast<double>(variants.size()), variant.name());
    outcomes.push_back(run_variant(view.settings, variant, reference, options));
    if (outcomes.size() == 1) reference = outcomes.front().result.values;
  }
  Look look;
  look.section.heading = "Ablation";
  look.section.text = {
      "The same training with parts switched off. Without label normalisation the labels are ten times larger and "
      "shifted by 3: the decoder is fitted anew in every step, so only the size of the gradients changes. The rows are "
      "numbered from 0 in the figure."};
  look.section.tables = {ablation_table(outcomes)};
  look.section.figures = {ablation_figure(outcomes)};
  AblationJson json = AblationJson::array();
  for (const Outcome& o : outcomes)
    json.push_back({{"input_normalisation", o.variant.input},
                    {"label_normalisation", o.variant.labels},
                    {"pls", o.variant.pls},
                    {"batch_normalisation", o.variant.batch_norm},
                    {"r2", o.result.mean},
                    {"low", o.result.interval.low},
                    {"high", o.result.interval.high},
                    {"difference", o.difference.mean},
                    {"last_loss", o.loss},
                    {"folds", o.result.values}});
  look.files = {{"ablation.json", io::json_text(json, 2) + "\n"},
                {"ablation.csv", report::csv(look.section.tables[0])}};
  return look;
}

}  // namespace thimble::fenet
