#include "apps/fenet/study/drift.h"

#include "core/base/error.h"
#include "core/io/json.h"

#include "apps/fenet/evaluate/criteria.h"
#include "apps/fenet/study/study.h"
#include "apps/fenet/train/fold_training.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace thimble::fenet {
namespace {

using DriftJson = nlohmann::ordered_json;

constexpr double kShifted = 1.0;  // deviations from which a channel counts as changed

Tensor stacked(const Tensor& a, const Tensor& b) {
  const Tensor out = Tensor::empty({a.size(0) + b.size(0), a.size(1)}, a.dtype());
  copy_into(a, out.rows(0, a.size(0)));
  if (b.size(0) > 0) copy_into(b, out.rows(a.size(0), b.size(0)));
  return out;
}

double headline(const Tensor& labels, const Tensor& predictions) {
  const Metrics metrics = criteria_of(labels.to(DType::f64), predictions);
  const auto found = metrics.find(kHeadline);
  return found == metrics.end() ? std::nan("") : found->second;
}

/// Fitted on the first day and some segments of the new one, judged on the rest of it.
double recalibrated(const Tensor& first, const Tensor& first_labels, const DayFeatures& day, const Tensor& features,
                    std::int64_t segments, const Protocol& protocol) {
  const Head head = fit_head(stacked(first, features.rows(0, segments)), day.channels,
                             stacked(first_labels, day.labels.rows(0, segments)), protocol, {first.size(0)});
  const std::int64_t rest = features.size(0) - segments;
  return headline(day.labels.rows(segments, rest), head.predict(features.rows(segments, rest)));
}

std::vector<std::int64_t> recalibration_sizes(std::int64_t segments) {
  std::vector<std::int64_t> out;
  for (const std::int64_t size : {0, 25, 50, 100, 200, 400})
    if (2 * size <= segments) out.push_back(size);
  return out;
}

void measure_shift(DriftDay& out, const ColumnStatistics& first, const ColumnStatistics& now, std::int64_t channels) {
  std::vector<double> all;
  const std::size_t own = first.mean.size() / static_cast<std::size_t>(channels);
  for (std::size_t c = 0; c < static_cast<std::size_t>(channels); ++c) {
    double largest = 0;
    for (std::size_t f = c * own; f < (c + 1) * own; ++f) {
      all.push_back(std::abs(now.mean[f] - first.mean[f]) * first.inverse_deviation[f]);
      largest = std::max(largest, all.back());
    }
    out.channel_shift.push_back(largest);
  }
  out.shift = linalg::quantile(all, 0.5, linalg::QuantileRule::linear);
}

report::Table drift_table(const std::vector<DriftDay>& days) {
  report::Table table;
  table.title = "A decoder kept from the first day";
  table.note = text::cat(
      "R2 (pearsonr2-xy-normed); shift: median over the features of the change of the mean, in "
      "deviations of the first day; changed: channels with a feature that moved by more than ",
      text::fixed(kShifted, 0), " deviation");
  table.columns = {{"day", "", true, false},       {"frozen", "", false, false}, {"renormalised", "", false, false},
                   {"refitted", "", false, false}, {"shift", "", false, false},  {"changed", "", false, false}};
  for (const DriftDay& d : days) {
    const auto changed =
        std::count_if(d.channel_shift.begin(), d.channel_shift.end(), [](double shift) { return shift > kShifted; });
    table.rows.push_back({d.day, report::number(d.frozen, 4), report::number(d.renormalised, 4),
                          report::number(d.refitted, 4), report::number(d.shift, 3),
                          text::cat(changed, " of ", d.channel_shift.size())});
  }
  return table;
}

report::Figure decay_figure(const std::vector<DriftDay>& days) {
  report::Figure f = report::plain_figure(
      "drift", "A decoder kept while days pass",
      "Frozen: everything from the first day. Renormalised: the day's own statistics of the features, which need no "
      "labels. Refitted: the upper end, fitted with the labels of the day.",
      report::figure_axis("day after the first"), report::figure_axis("R2 (pearsonr2-xy-normed)"));
  const auto line = [&](const std::string& name, double DriftDay::*value) {
    report::Series s = report::line_series(name, {}, {});
    s.mark = report::Mark::line_points;
    for (std::size_t i = 0; i < days.size(); ++i)
      if (std::isfinite(days[i].*value)) s.x.push_back(static_cast<double>(i + 1)), s.y.push_back(days[i].*value);
    if (!s.x.empty()) f.series.push_back(std::move(s));
  };
  line("refitted", &DriftDay::refitted);
  line("renormalised", &DriftDay::renormalised);
  line("frozen", &DriftDay::frozen);
  f.y.low = 0;
  return f;
}

report::Figure recalibration_figure(const std::vector<DriftDay>& days) {
  report::Figure f = report::plain_figure(
      "recalibration", "What a few segments of the new day bring back",
      "Decoder fitted on the first day and so many first segments of the new day, judged on the rest of it.",
      report::figure_axis("segments of the new day"), report::figure_axis("R2 (pearsonr2-xy-normed)"));
  for (const DriftDay& day : days) {
    report::Series s = report::line_series(day.day, {}, {});
    s.mark = report::Mark::line_points;
    for (const auto& point : day.curve)
      if (std::isfinite(point.r2)) s.x.push_back(static_cast<double>(point.segments)), s.y.push_back(point.r2);
    if (!s.x.empty()) f.series.push_back(std::move(s));
  }
  f.y.low = 0;
  return f;
}

std::string channels_csv(const std::vector<DriftDay>& days) {
  std::string out = "day,channel,shift\n";
  for (const DriftDay& day : days)
    for (std::size_t c = 0; c < day.channel_shift.size(); ++c)
      out += text::cat(day.day, ',', c, ',', day.channel_shift[c], '\n');
  return out;
}

/// Sessions of one day stand for days when there is only one.
std::vector<Day> days_or_sessions(const std::vector<Day>& days) {
  if (days.size() != 1) return days;
  std::vector<Day> out;
  for (const Session& session : days.front().sessions) {
    out.push_back(days.front());
    out.back().name = session.name;
    out.back().sessions = {session};
  }
  return out;
}

}  // namespace

std::vector<DriftDay> drift_of_days(const std::vector<DayFeatures>& days, const Protocol& protocol) {
  if (days.size() < 2)
    throw Error(ErrorKind::data, "drift needs a second day or session", {"", 0, 0, "data.train"},
                "name more days, or synth.days=4 synth.unit_loss=0.1");
  const DayFeatures& first = days.front();
  const ColumnStatistics statistics = column_statistics(first.features);
  const auto normalised = [&](const Tensor& x, const ColumnStatistics& s) {
    return protocol.normalise ? normalise_columns(x, s) : x;
  };
  const Tensor first_features = normalised(first.features, statistics);
  const Head head = fit_head(first_features, first.channels, first.labels, protocol);
  std::vector<DriftDay> out;
  for (std::size_t i = 1; i < days.size(); ++i) {
    const DayFeatures& day = days[i];
    THIMBLE_CHECK(day.channels == first.channels, data, day.day, " has ", day.channels, " channels, the first day ",
                  first.channels);
    const ColumnStatistics own = column_statistics(day.features);
    const Tensor frozen = normalised(day.features, statistics), renewed = normalised(day.features, own);
    DriftDay d;
    d.day = day.day;
    d.frozen = headline(day.labels, head.predict(frozen));
    d.renormalised = headline(day.labels, head.predict(renewed));
    d.refitted = headline(day.labels, judge(day.features, day.channels, day.labels, protocol).predictions);
    measure_shift(d, statistics, own, first.channels);
    for (const std::int64_t size : recalibration_sizes(day.features.size(0)))
      d.curve.push_back({size, recalibrated(first_features, first.labels, day, renewed, size, protocol)});
    out.push_back(std::move(d));
  }
  return out;
}

Look drift_study(const View& view, const StudyOptions& options) {
  options.tell(0, 1, "features");
  const std::vector<DriftDay> days =
      drift_of_days(features_of_days(view.network, days_or_sessions(view.days()), options.segments), view.protocol());
  Look look;
  look.section.heading = "Drift";
  look.section.text = {text::cat("Filters: ", view.origin, ". The decoder is fitted on ",
                                 days_or_sessions(view.days()).front().name, " and kept.")};
  look.section.tables = {drift_table(days)};
  look.section.figures = {decay_figure(days), recalibration_figure(days)};
  DriftJson json = DriftJson::array();
  for (const DriftDay& d : days) {
    DriftJson curve = DriftJson::array();
    for (const auto& point : d.curve) curve.push_back({{"segments", point.segments}, {"r2", point.r2}});
    json.push_back({{"day", d.day},
                    {"frozen", d.frozen},
                    {"renormalised", d.renormalised},
                    {"refitted", d.refitted},
                    {"shift", d.shift},
                    {"recalibration", curve}});
  }
  look.files = {{"drift.json", io::json_text(json, 2) + "\n"},
                {"drift.csv", report::csv(look.section.tables[0])},
                {"drift-channels.csv", channels_csv(days)}};
  return look;
}

}  // namespace thimble::fenet
