#include "apps/fenet/study/lags.h"

#include "core/base/error.h"
#include "core/io/json.h"

#include "apps/fenet/study/study.h"
#include "apps/fenet/train/fold_training.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace thimble::fenet {
namespace {

using LagsJson = nlohmann::ordered_json;

constexpr std::int64_t kFarthestLag = 1000;  // as decoder.lag

/// One lag over all sessions.
struct LagRow {
  std::int64_t lag;
  Judged correlation, r2;
};

std::vector<LagRow> lag_rows(const std::vector<std::vector<LagScore>>& sessions) {
  std::vector<LagRow> rows;
  for (std::size_t i = 0; i < sessions.front().size(); ++i) {
    std::vector<double> correlation, r2;
    for (const std::vector<LagScore>& scores : sessions) {
      correlation.insert(correlation.end(), scores[i].correlation.begin(), scores[i].correlation.end());
      r2.insert(r2.end(), scores[i].r2.begin(), scores[i].r2.end());
    }
    rows.push_back({sessions.front()[i].lag, judged(correlation), judged(r2)});
  }
  return rows;
}

/// The row of the largest mean; the last one when none has a value.
const LagRow& best_of_lags(const std::vector<LagRow>& rows) {
  return *std::max_element(rows.begin(), rows.end(), [](const LagRow& a, const LagRow& b) {
    return std::isnan(a.correlation.mean) || a.correlation.mean < b.correlation.mean;
  });
}

report::Table lag_table(const std::vector<LagRow>& rows) {
  report::Table table;
  table.title = "Decoding at several lags";
  table.note =
      "lag: segments by which the features are taken before the movement (below 0: after it); mean and 95 % bootstrap "
      "interval over the evaluation folds of all sessions";
  table.columns = {
      {"lag", "segments", false, false}, {"pearsonr2-xy-normed", "", false, false}, {"R2", "", false, true}};
  for (const LagRow& row : rows)
    table.rows.push_back({text::to_text(row.lag), text_of(row.correlation), text_of(row.r2)});
  return table;
}

report::Figure lag_figure(const std::vector<LagRow>& rows) {
  report::Figure f = report::plain_figure(
      "lags", "By how much the recording leads",
      text::cat("Best with features taken ", best_of_lags(rows).lag,
                " segments before the movement; every lag fitted and judged by itself on the same folds."),
      report::figure_axis("lag", "segments"), report::figure_axis("R2 (pearsonr2-xy-normed)"));
  report::Series s = report::line_series("mean over folds", {}, {});
  s.mark = report::Mark::line_points;
  for (const LagRow& row : rows)
    if (std::isfinite(row.correlation.mean))
      s.x.push_back(static_cast<double>(row.lag)), s.y.push_back(row.correlation.mean);
  if (!s.x.empty()) f.series.push_back(std::move(s));
  f.y.low = 0;
  return f;
}

LagsJson lags_json(const std::vector<LagRow>& rows) {
  LagsJson list = LagsJson::array();
  for (const LagRow& row : rows)
    list.push_back({{"lag", row.lag},
                    {"pearsonr2-xy-normed", row.correlation.mean},
                    {"low", row.correlation.interval.low},
                    {"high", row.correlation.interval.high},
                    {"decoder-R2", row.r2.mean}});
  return {{"best", best_of_lags(rows).lag}, {"lags", list}};
}

}  // namespace

std::vector<LagScore> scan_lags(const Tensor& features, std::int64_t channels, const Tensor& labels,
                                const Protocol& protocol, std::int64_t first, std::int64_t last) {
  THIMBLE_CHECK(first <= last, value, "scan of lags: from ", first, " to ", last);
  std::vector<LagScore> out;
  Protocol tried = protocol;
  for (tried.decoder.lag = first; tried.decoder.lag <= last; ++tried.decoder.lag) {
    LagScore score{tried.decoder.lag, {}, {}};
    for (const auto& fold : judge(features, channels, labels, tried).folds) {
      score.correlation.push_back(fold.at(kHeadline));
      score.r2.push_back(fold.at("decoder-R2"));
    }
    out.push_back(std::move(score));
  }
  return out;
}

std::pair<std::int64_t, std::int64_t> lag_range(std::string_view text) {
  const std::size_t colon = text.find(':');
  std::int64_t first = 0, last = 0;
  const bool good = colon != std::string_view::npos && text::parse(text.substr(0, colon), first) &&
                    text::parse(text.substr(colon + 1), last) && first <= last && first >= -kFarthestLag &&
                    last <= kFarthestLag;
  if (!good)
    throw Error(
        ErrorKind::usage,
        text::cat("must be two numbers of segments, the lower first, within ", -kFarthestLag, " .. ", kFarthestLag),
        {"", 0, 0, "--lags"}, "--lags -5:5");
  return {first, last};
}

Look lags_study(const View& view, const StudyOptions& options) {
  const std::vector<DayFeatures> days = features_of_days(view.network, view.days(), options.segments);
  std::vector<std::vector<LagScore>> sessions;
  for (const DayFeatures& day : days) {
    options.tell(static_cast<double>(sessions.size()), static_cast<double>(days.size()), day.session.name);
    sessions.push_back(
        scan_lags(day.features, day.channels, day.labels, view.protocol(), options.first_lag, options.last_lag));
  }
  const std::vector<LagRow> rows = lag_rows(sessions);
  Look look;
  look.section.heading = "Lags";
  look.section.text = {text::cat("Filters: ", view.origin, ". Decoder: ", view.settings.decoder.kind,
                                 ". First session of every day; the best lag is ", best_of_lags(rows).lag, ".")};
  look.section.tables = {lag_table(rows)};
  look.section.figures = {lag_figure(rows)};
  look.files = {{"lags.json", io::json_text(lags_json(rows), 2) + "\n"},
                {"lags.csv", report::csv(look.section.tables[0])}};
  return look;
}

}  // namespace thimble::fenet
