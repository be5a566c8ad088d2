#include "apps/fenet/hardware/quantise_sweep.h"

#include "core/base/error.h"
#include "core/linalg/stats.h"
#include "core/parallel/blocks.h"

#include "apps/fenet/evaluate/criteria.h"
#include "apps/fenet/model/network.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <set>

namespace thimble::fenet {

using text::cat;

namespace {

constexpr const char* kScore = "decoder-xy-avg-R2";
// of single folds: the R2 of a fold in which the hand hardly moves has any size below 0, a correlation has not
constexpr const char* kFoldScore = "pearsonr2-xy-normed";
constexpr double kMapTop = 0.7;                           // of the published heat map
constexpr std::int64_t kFirstBands = 8, kLastBands = 11;  // word lengths of the published bands

/// Scores of one day: the mean over its sessions, and every fold.
struct DayScore {
  double mean = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> folds;
  std::map<std::string, double> metrics;
};

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += v;
  return values.empty() ? std::numeric_limits<double>::quiet_NaN() : sum / static_cast<double>(values.size());
}

template <class Extract>
DayScore judged_day(const std::vector<Session>& sessions, const Protocol& protocol, const Extract& extract) {
  DayScore out;
  std::map<std::string, std::vector<double>> values;
  for (const Session& session : sessions) {
    const Scores scores = judge(extract(*session.segments), session.segments->channels(), session.labels, protocol);
    // over all held-out rows together: a fold in which the hand hardly moves has an R2 of any size below 0
    for (const auto& [name, value] : criteria_of(session.labels, scores.predictions))
      if (std::isfinite(value)) values[name].push_back(value);
    for (const auto& fold : scores.folds)
      if (std::isfinite(fold.at(kFoldScore))) out.folds.push_back(fold.at(kFoldScore));
  }
  for (const auto& [name, list] : values) out.metrics[name] = mean_of(list);
  if (out.metrics.count(kScore) != 0) out.mean = out.metrics.at(kScore);
  return out;
}

DayScore quantised_day(const QuantisedNetwork& network, const std::vector<Session>& sessions,
                       const Protocol& protocol) {
  return judged_day(sessions, protocol,
                    [&](const SegmentSource& segments) { return quantised_extract(network, segments); });
}

DayScore float_day(const HardwareSubject& subject, const std::vector<Session>& sessions, const Protocol& protocol) {
  Network network(subject.architecture, sessions.at(0).segments->samples());
  network.set_weights(subject.weights);
  return judged_day(sessions, protocol,
                    [&](const SegmentSource& segments) { return extract_features(network, segments); });
}

}  // namespace

Tensor quantised_extract(const QuantisedNetwork& network, const SegmentSource& segments) {
  const std::int64_t channels = segments.channels(), features = network.features();
  const Tensor out = Tensor::empty({segments.segments(), channels * features});
  const double step = network.chain.activations.step();
  for_each_block(segments, block_segments(channels, segments.samples()), [&](std::int64_t first, const Tensor& block) {
    const Tensor words = kernels::quantised_features(network.chain, block);
    float* to = out.mut<float>() + first * channels * features;
    for (std::int64_t i = 0; i < words.numel(); ++i)
      to[i] = static_cast<float>(static_cast<double>(words.data<std::int32_t>()[i]) * step);
  });
  return out;
}

Protocol quantised_protocol(const HardwareSubject& subject) {
  Protocol protocol = protocol_of(subject.settings);
  protocol.normalise = protocol.normalise || subject.architecture.normalize_at_end;
  return protocol;
}

Protocol rounded_protocol(Protocol protocol, const QuantKeys& keys) {
  if (keys.decoder) protocol.decoder.quantise = cat("(", keys.word_length, ",", keys.fraction, ")");
  return protocol;
}

std::map<std::string, double> quantisation_criterion(const Architecture& architecture, std::span<const Tensor> weights,
                                                     const std::vector<Session>& sessions, const Protocol& protocol,
                                                     const QuantKeys& keys) {
  const QuantisedNetwork network = quantise_network("criterion", architecture, weights, keys);
  const DayScore score = quantised_day(network, sessions, rounded_protocol(protocol, keys));
  const auto metric = [&](const char* name) {
    const auto found = score.metrics.find(name);
    return found == score.metrics.end() ? std::numeric_limits<double>::quiet_NaN() : found->second;
  };
  const std::vector<std::string> names = quantisation_keys(keys);
  return {{names[0], score.mean},
          {names[1], metric("decoder-x-R2")},
          {names[2], metric("decoder-y-R2")},
          {names[3], score.mean}};
}

std::vector<std::string> quantisation_keys(const QuantKeys& keys) {
  const std::string format = cat("wl=", keys.word_length, " fl=", keys.fraction);
  const std::string own = cat("eval/quantized/", format, "/R²");
  return {own, own + "-x", own + "-y", cat("eval/perf-cost-ratio/", format, "/R²")};
}

std::vector<QuantisedScore> quantise_sweep(const HardwareSubject& subject, const std::vector<Day>& days,
                                           const std::function<void()>& advanced) {
  if (subject.weights.empty())
    throw Error(ErrorKind::usage, "a network of integers has no other formats", {},
                "sweep the weights it was made from");
  const Protocol protocol = quantised_protocol(subject);
  std::vector<QuantisedScore> scores;
  std::vector<const Day*> day_of;
  for (const Day& day : days) {
    const DayScore unquantised = float_day(subject, day.sessions, protocol);
    for (const std::int64_t wl : subject.settings.quant.word_lengths)
      for (std::int64_t fl = 1; fl <= wl - 2; ++fl) {
        scores.push_back({day.name, wl, fl, unquantised.mean, 0, {}, unquantised.folds});
        day_of.push_back(&day);
      }
  }
  std::mutex reading, telling;  // recordings are read by one at a time; the filters then run side by side
  parallel_jobs(static_cast<std::int64_t>(scores.size()), [&](std::int64_t job) {
    const auto i = static_cast<std::size_t>(job);
    QuantKeys keys = subject.settings.quant;
    keys.word_length = scores[i].word_length;
    keys.fraction = scores[i].fraction;
    if (keys.rounding == "stochastic") keys.rounding = "nearest";
    const QuantisedNetwork network = quantise_network(subject.name, subject.architecture, subject.weights, keys);
    const DayScore score =
        judged_day(day_of[i]->sessions, rounded_protocol(protocol, keys), [&](const SegmentSource& segments) {
          const std::lock_guard<std::mutex> lock(reading);
          return quantised_extract(network, segments);
        });
    scores[i].quantised = score.mean;
    scores[i].folds = score.folds;
    const std::lock_guard<std::mutex> lock(telling);
    if (advanced) advanced();
  });
  return scores;
}

std::string sweep_csv(const std::vector<QuantisedScore>& scores) {
  std::string out = ",WordLen,fracLen,unQuantized_R2,Quantized_R2,day\n";
  const auto number = [](double value) { return std::isfinite(value) ? text::to_text(value) : std::string(); };
  for (std::size_t i = 0; i < scores.size(); ++i)
    out += cat(i, ",", scores[i].word_length, ",", scores[i].fraction, ",", number(scores[i].unquantised), ",",
               number(scores[i].quantised), ",", scores[i].day, "\n");
  return out;
}

namespace {

using Format = std::pair<std::int64_t, std::int64_t>;

/// Scores of all days of one format.
struct FormatScores {
  std::vector<double> unquantised, quantised, folds, unquantised_folds;
};

std::map<Format, FormatScores> by_format(const std::vector<QuantisedScore>& scores) {
  std::map<Format, FormatScores> out;
  for (const QuantisedScore& s : scores) {
    FormatScores& f = out[{s.word_length, s.fraction}];
    if (std::isfinite(s.unquantised)) f.unquantised.push_back(s.unquantised);
    if (std::isfinite(s.quantised)) f.quantised.push_back(s.quantised);
    f.folds.insert(f.folds.end(), s.folds.begin(), s.folds.end());
    f.unquantised_folds.insert(f.unquantised_folds.end(), s.unquantised_folds.begin(), s.unquantised_folds.end());
  }
  return out;
}

double quantile_of(const std::vector<double>& values, double p) {
  return linalg::quantile(values, p, linalg::QuantileRule::linear);
}

report::Figure map_figure(const std::map<Format, FormatScores>& formats) {
  report::Figure f;
  f.name = "quantisation-map";
  f.title = "Score by word length and fraction";
  f.caption = "Mean over days of the R2 of both axes, with filters and activations in this format.";
  f.x.label = "word length";
  f.y.label = "fraction";
  f.x.unit = f.y.unit = "bits";
  std::int64_t low = 64, high = 0, top = 0;
  for (const auto& entry : formats) {
    low = std::min(low, entry.first.first);
    high = std::max(high, entry.first.first);
    top = std::max(top, entry.first.second);
  }
  report::Grid grid;
  grid.x = {static_cast<double>(low) - 0.5, static_cast<double>(high) + 0.5};
  grid.y = {0.5, static_cast<double>(top) + 0.5};
  grid.columns = static_cast<std::size_t>(high - low + 1);
  grid.rows = static_cast<std::size_t>(top);
  grid.values.assign(grid.columns * grid.rows, std::nan(""));
  grid.label = "R2";
  for (const auto& [format, scores] : formats) {
    const double score = mean_of(scores.quantised);
    grid.values[static_cast<std::size_t>(format.second - 1) * grid.columns +
                static_cast<std::size_t>(format.first - low)] = std::clamp(score, 0.0, kMapTop);
  }
  f.grid = std::move(grid);
  return f;
}

report::Figure band_figure(const std::map<Format, FormatScores>& formats, std::int64_t word_length) {
  report::Figure f;
  f.name = cat("quantisation-bands-", word_length);
  f.title = cat("Words of ", word_length, " bits");
  f.caption =
      "Squared correlation, median over the folds of all days with bands; dotted: median of the network before "
      "rounding.";
  f.x.label = "fraction";
  f.x.unit = "bits";
  f.y.label = "R2 (pearsonr2-xy-normed)";
  report::Series outer, inner;
  outer.mark = inner.mark = report::Mark::band;
  outer.name = "5 to 95 %";
  inner.name = "25 to 75 %";
  double unquantised = std::nan("");
  for (const auto& [format, scores] : formats) {
    if (format.first != word_length || scores.folds.empty()) continue;
    if (!scores.unquantised_folds.empty()) unquantised = quantile_of(scores.unquantised_folds, 0.5);
    for (report::Series* s : {&outer, &inner}) {
      s->x.push_back(static_cast<double>(format.second));
      s->y.push_back(quantile_of(scores.folds, 0.5));
      s->low.push_back(quantile_of(scores.folds, s == &outer ? 0.05 : 0.25));
      s->high.push_back(quantile_of(scores.folds, s == &outer ? 0.95 : 0.75));
    }
  }
  f.series = {outer, inner};
  if (std::isfinite(unquantised)) f.rules.push_back({false, unquantised, "not quantised"});
  return f;
}

}  // namespace

std::optional<FormatChoice> shortest_format(const std::vector<QuantisedScore>& scores, double tolerance) {
  for (const auto& [format, values] : by_format(scores)) {
    const double before = mean_of(values.unquantised), after = mean_of(values.quantised);
    if (after >= before - tolerance * std::abs(before)) return FormatChoice{format.first, format.second, before, after};
  }
  return std::nullopt;
}

report::Table sweep_table(const std::vector<QuantisedScore>& scores) {
  report::Table table;
  table.title = "Best fraction of every word length";
  table.note = "R2: of the held-out rows of a session, mean over both axes, sessions and days";
  table.columns = {{"word length", "bits", false, false},
                   {"fraction", "bits", false, false},
                   {"R2", "", false, false},
                   {"not quantised", "", false, false},
                   {"loss", "", false, false}};
  std::map<std::int64_t, std::pair<Format, double>> best;
  const auto formats = by_format(scores);
  for (const auto& [format, values] : formats) {
    const double score = mean_of(values.quantised);
    const auto found = best.find(format.first);
    if (std::isfinite(score) && (found == best.end() || score > found->second.second))
      best[format.first] = {format, score};
  }
  for (const auto& [word_length, choice] : best) {
    const double before = mean_of(formats.at(choice.first).unquantised);
    table.rows.push_back({cat(word_length), cat(choice.first.second), text::fixed(choice.second, 4),
                          text::fixed(before, 4), text::fixed(before - choice.second, 4)});
  }
  return table;
}

std::vector<report::Figure> sweep_figures(const std::vector<QuantisedScore>& scores) {
  const auto formats = by_format(scores);
  std::vector<report::Figure> figures = {map_figure(formats)};
  std::set<std::int64_t> all, usual;
  for (const auto& entry : formats) {
    all.insert(entry.first.first);
    if (entry.first.first >= kFirstBands && entry.first.first <= kLastBands) usual.insert(entry.first.first);
  }
  for (const std::int64_t word_length : usual.empty() ? all : usual)
    figures.push_back(band_figure(formats, word_length));
  return figures;
}

}  // namespace thimble::fenet
