#include "apps/fenet/study/curves.h"

#include "core/base/error.h"
#include "core/io/json.h"

#include "apps/fenet/train/fold_training.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace thimble::fenet {
namespace {

using CurveJson = nlohmann::ordered_json;

report::Figure r2_figure(const std::string& name, const std::string& title, const std::string& caption,
                         const std::string& x, const std::string& unit = "") {
  report::Figure f = report::plain_figure(name, title, caption, report::figure_axis(x, unit),
                                          report::figure_axis("R2 (pearsonr2-xy-normed)"));
  f.y.low = 0;
  return f;
}

/// Rows of one number per evaluation of a training.
struct LearningRow {
  std::int64_t fold = 0, epoch = 0, step = 0;
  double seconds = 0, loss = 0, r2 = 0;
};

std::vector<LearningRow> learning_rows(const std::vector<FoldResult>& folds) {
  std::vector<LearningRow> rows;
  for (const FoldResult& fold : folds) {
    const double each = fold.seconds / static_cast<double>(std::max<std::size_t>(1, fold.losses.size()));
    for (const Evaluation& e : fold.evaluations) {
      const auto found = e.metrics.find(kHeadline);
      const double r2 = found == e.metrics.end() ? std::nan("") : found->second;
      rows.push_back({fold.fold, e.epoch, e.step, static_cast<double>(e.step + 1) * each, e.loss, r2});
    }
  }
  return rows;
}

report::Figure learning_figure(const std::vector<LearningRow>& rows, bool time) {
  report::Figure f = time
                         ? r2_figure("learning-time", "Held-out R2 against training time",
                                     "Evaluations are not counted as training time but stretch it evenly.", "time", "s")
                         : r2_figure("learning-steps", "Held-out R2 against steps",
                                     "One step is one session; step 0 is the first update.", "step");
  std::vector<std::int64_t> folds;
  for (const LearningRow& row : rows)
    if (folds.empty() || folds.back() != row.fold) folds.push_back(row.fold);
  for (const std::int64_t fold : folds) {
    report::Series s = report::line_series(text::cat("fold ", fold), {}, {});
    s.mark = report::Mark::line_points;
    for (const LearningRow& row : rows)
      if (row.fold == fold && std::isfinite(row.r2))
        s.x.push_back(time ? row.seconds : static_cast<double>(row.step)), s.y.push_back(row.r2);
    if (!s.x.empty()) f.series.push_back(std::move(s));
  }
  return f;
}

report::Table learning_table(const std::vector<LearningRow>& rows) {
  report::Table table;
  table.title = "Held-out R2 during training";
  table.note = "time: share of the training time of the fold by steps";
  table.columns = {{"fold", "", false, false},  {"epochs", "", false, false}, {"step", "", false, false},
                   {"time", "s", false, false}, {"loss", "", false, false},   {"R2", "", false, false}};
  for (const LearningRow& r : rows)
    table.rows.push_back({text::to_text(r.fold), text::to_text(r.epoch), text::to_text(r.step),
                          report::number(r.seconds, 2), report::number(r.loss, 5), report::number(r.r2, 4)});
  return table;
}

/// Parts of the recordings that are added one after another, and what is held out.
struct GrowingData {
  std::string unit;  // "days"
  std::vector<std::vector<Session>> parts;
  std::vector<Session> held_out;
};

GrowingData growing_data(const View& view, std::int64_t segments) {
  GrowingData out;
  const std::vector<Day>& days = view.recordings.train;
  const auto cut = [segments](std::vector<Session> sessions) {
    for (Session& session : sessions) session = first_segments(session, segments);
    return sessions;
  };
  if (days.size() > 1 || !view.recordings.test.empty()) {
    out.unit = "days";
    for (const Day& day : days) out.parts.push_back(cut(day.sessions));
  } else {
    out.unit = "sessions";
    for (const Session& session : days.front().sessions) out.parts.push_back(cut({session}));
  }
  if (!view.recordings.test.empty()) {
    out.held_out = cut(sessions_of(view.recordings.test));
  } else if (out.parts.size() > 1) {
    out.held_out = out.parts.back();
    out.parts.pop_back();
  }
  if (out.parts.empty() || out.held_out.empty())
    throw Error(ErrorKind::data, "one session alone: there is nothing to train on and something else to judge by",
                {"", 0, 0, "data.train"}, "name more days, or synth.sessions=4");
  return out;
}

}  // namespace

report::Table curve_table(const std::string& title, const std::string& what, const std::vector<CurvePoint>& points) {
  report::Table table;
  table.title = title;
  table.note = "R2 (pearsonr2-xy-normed) of what was held out, 95 % bootstrap intervals over its folds";
  table.columns = {{what, "", true, false}, {"R2", "", false, false}, {"invalid folds", "", false, false}};
  for (const CurvePoint& p : points)
    table.rows.push_back({p.name, text_of(p.result), report::number(static_cast<double>(p.result.invalid), 0)});
  return table;
}

report::Series curve_series(const std::string& name, const std::vector<CurvePoint>& points) {
  report::Series s = report::line_series(name, {}, {});
  s.mark = report::Mark::error_bars;
  for (const CurvePoint& p : points) {
    if (!std::isfinite(p.result.mean)) continue;
    s.x.push_back(p.x);
    s.y.push_back(p.result.mean);
    s.low.push_back(p.result.interval.low);
    s.high.push_back(p.result.interval.high);
  }
  return s;
}

std::string curve_json(const std::vector<CurvePoint>& points) {
  CurveJson json = CurveJson::array();
  for (const CurvePoint& p : points)
    json.push_back({{"name", p.name},
                    {"x", p.x},
                    {"r2", p.result.mean},
                    {"low", p.result.interval.low},
                    {"high", p.result.interval.high},
                    {"folds", p.result.values}});
  return io::json_text(json, 2) + "\n";
}

Look averaging_study(const View& view, const StudyOptions& options) {
  Settings settings = view.settings;
  std::vector<Session> sessions = sessions_of(view.recordings.train);
  for (Session& session : sessions) session = first_segments(session, options.segments);
  std::vector<std::optional<std::int64_t>> starts{std::nullopt};
  for (const std::int64_t quarter : {1, 2, 3}) {
    const std::int64_t from = settings.train.epochs * quarter / 4;
    if (from != starts.back().value_or(-1)) starts.emplace_back(from);
  }
  std::vector<CurvePoint> points;
  for (const auto& from : starts) {
    const std::string name = from ? text::cat("average from epoch ", *from) : std::string("last weights");
    options.tell(static_cast<double>(points.size()), static_cast<double>(starts.size()), name);
    settings.train.average_from = from;
    points.push_back({name, static_cast<double>(from.value_or(settings.train.epochs)),
                      judged(train_and_judge(settings, sessions, options.interrupt).values)});
  }
  Look look;
  look.section.heading = "Weight averaging";
  look.section.text = {text::cat(
      "The same training of ", settings.train.epochs,
      " epochs, ending with its last weights or with the mean of those after every ",
      settings.train.average_every == 1 ? std::string("step") : text::cat(settings.train.average_every, " steps"),
      " from an epoch on. The features are normalised with the statistics of the "
      "session at hand, so nothing is computed again for the mean.")};
  look.section.tables = {curve_table("Weight averaging", "weights", points)};
  report::Figure f = r2_figure("averaging", "Average from an epoch on", "On the right: no averaging.", "first epoch");
  f.series = {curve_series("", points)};
  look.section.figures = {std::move(f)};
  look.files = {{"averaging.json", curve_json(points)}, {"averaging.csv", report::csv(look.section.tables[0])}};
  return look;
}

Look learning_study(const View& view, const StudyOptions& options) {
  std::vector<Session> sessions = sessions_of(view.recordings.train);
  for (Session& session : sessions) session = first_segments(session, options.segments);
  Settings settings = view.settings;
  settings.train.eval_steps = std::max<std::int64_t>(1, std::min(settings.train.eval_steps, settings.train.epochs));
  options.tell(0, 1, "training");
  const std::vector<LearningRow> rows = learning_rows(train_and_judge(settings, sessions, options.interrupt).folds);
  Look look;
  look.section.heading = "Performance against training time";
  look.section.tables = {learning_table(rows)};
  look.section.figures = {learning_figure(rows, false), learning_figure(rows, true)};
  CurveJson json = CurveJson::array();
  for (const LearningRow& r : rows)
    json.push_back({{"fold", r.fold}, {"epoch", r.epoch}, {"step", r.step}, {"loss", r.loss}, {"r2", r.r2}});
  look.files = {{"learning-curve.json", io::json_text(json, 2) + "\n"},
                {"learning-curve.csv", report::csv(look.section.tables[0])}};
  return look;
}

Look days_study(const View& view, const StudyOptions& options) {
  const GrowingData data = growing_data(view, options.segments);
  std::vector<CurvePoint> points;
  std::vector<Session> training;
  for (const std::vector<Session>& part : data.parts) {
    training.insert(training.end(), part.begin(), part.end());
    const std::size_t count = points.size() + 1;
    options.tell(static_cast<double>(points.size()), static_cast<double>(data.parts.size()),
                 text::cat(count, " ", data.unit));
    points.push_back({text::to_text(count), static_cast<double>(count),
                      judged(train_and_judge(view.settings, 0, training, data.held_out, options.interrupt).values)});
  }
  Look look;
  look.section.heading = text::cat("How many ", data.unit, " of data");
  look.section.text = {text::cat("Trained on the first 1 to ", data.parts.size(), " ", data.unit, ", judged on ",
                                 data.held_out.front().name, data.held_out.size() > 1 ? " and later sessions" : "",
                                 ". Every training takes the same number of passes, so more data means more steps.")};
  look.section.tables = {curve_table(text::cat("R2 by ", data.unit, " of training data"), data.unit, points)};
  report::Figure f =
      r2_figure("days", text::cat("R2 by ", data.unit, " of training data"), "With 95 % intervals.", data.unit);
  f.series = {curve_series("", points)};
  look.section.figures = {std::move(f)};
  look.files = {{"days.json", curve_json(points)}, {"days.csv", report::csv(look.section.tables[0])}};
  return look;
}

}  // namespace thimble::fenet
