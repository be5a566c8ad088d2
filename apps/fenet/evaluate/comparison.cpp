#include "apps/fenet/evaluate/comparison.h"

#include "core/base/error.h"

#include "apps/fenet/data/baselines.h"
#include "apps/fenet/model/weights_file.h"
#include "apps/fenet/train/fold_training.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <numeric>

namespace thimble::fenet {
namespace {

using FeatureMaker = std::function<Tensor(const JudgedSession&)>;

/// How the features of a method are made.
struct Recipe {
  std::string key, title;
  std::int64_t features = 0;
  bool of_run = true, normalise = false;
  FeatureMaker make;
  std::function<Tensor(const JudgedSession&)> reduction = {};  // learned; none: PLS
};

double plain_mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::vector<double> headline_of(const Method& method) {
  std::vector<double> values;
  for (const auto& fold : method.folds) values.push_back(fold.at(kHeadline));
  return values;
}

std::vector<double> finite(std::vector<double> values) {
  std::erase_if(values, [](double v) { return !std::isfinite(v); });
  return values;
}

/// Mean and interval of the headline metric.
void summarise(Method& method) {
  const std::vector<double> values = finite(headline_of(method));
  method.mean = std::numeric_limits<double>::quiet_NaN();
  method.interval = {method.mean, method.mean};
  if (values.empty()) return;
  method.mean = plain_mean(values);
  method.interval = linalg::bootstrap_interval(values, [](std::span<const double> v) {
    return plain_mean({v.begin(), v.end()});
  });
}

/// How many times better the first method is, with the folds drawn for both alike.
void relate(const Method& first, Method& other) {
  const std::vector<double> a = headline_of(first), b = headline_of(other);
  std::vector<double> both;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    if (std::isfinite(a[i]) && std::isfinite(b[i])) both.push_back(static_cast<double>(i));
  const auto ratio = [&](std::span<const double> drawn) {
    double of_a = 0, of_b = 0;
    for (const double i : drawn) {
      of_a += a[static_cast<std::size_t>(i)];
      of_b += b[static_cast<std::size_t>(i)];
    }
    return of_a / of_b;
  };
  other.ratio = std::numeric_limits<double>::quiet_NaN();
  other.ratio_interval = {other.ratio, other.ratio};
  if (both.empty()) return;
  other.ratio = ratio(both);
  other.ratio_interval = linalg::bootstrap_interval(both, ratio);
}

/// No more dimensions than features; a single feature needs no reduction.
Protocol fitting(Protocol protocol, std::int64_t features, bool normalise) {
  if (protocol.pls.components >= features) protocol.pls.components = features == 1 ? 0 : features;
  protocol.normalise = normalise;
  return protocol;
}

Network network_with(const Settings& settings, const std::vector<Tensor>& weights, std::int64_t samples) {
  Network network(architecture_of(settings), samples);
  network.set_weights(weights);
  return network;
}

Recipe trained(const Settings& settings, std::string key, std::string title, std::vector<Tensor> FoldResult::*weights) {
  const Architecture a = architecture_of(settings);
  return {std::move(key),
          std::move(title),
          a.features(),
          true,
          a.normalize_at_end,
          [&settings, weights](const JudgedSession& s) {
            const Network network = network_with(settings, s.fold->*weights, s.session.segments->samples());
            return extract_features(network, *s.session.segments);
          },
          [&settings, weights](const JudgedSession& s) {
            return network_with(settings, s.fold->*weights, s.session.segments->samples()).reduction.value;
          }};
}

Recipe from_file(const std::string& path) {
  auto file = std::make_shared<const WeightsFile>(read_weights(path));
  const std::string name = std::filesystem::path(path).stem().string();
  return {name,
          name,
          file->architecture.features(),
          false,
          true,
          [file](const JudgedSession& s) {
            return extract_features(network_of(*file, s.session.segments->samples()), *s.session.segments);
          },
          [file](const JudgedSession&) { return file->reduction; }};
}

Recipe baseline(Baseline kind) {
  return {short_name_of(kind), title_of(kind), features_of(kind), false, true, [kind](const JudgedSession& s) {
            return baseline_features(kind, s.session.raw ? *s.session.raw : *s.session.segments, s.rate_hz);
          }};
}

bool all_have(const std::vector<JudgedSession>& sessions, std::vector<Tensor> FoldResult::*weights) {
  return std::all_of(sessions.begin(), sessions.end(),
                     [&](const JudgedSession& s) { return s.fold != nullptr && !(s.fold->*weights).empty(); });
}

bool best_is_last(const std::vector<JudgedSession>& sessions) {
  return std::all_of(sessions.begin(), sessions.end(), [](const JudgedSession& s) {
    return s.fold->best_step + 1 == static_cast<std::int64_t>(s.fold->losses.size());
  });
}

std::vector<Recipe> recipes_of(const Settings& settings, const std::vector<JudgedSession>& sessions) {
  std::vector<Recipe> recipes;
  if (all_have(sessions, &FoldResult::weights)) {
    recipes.push_back(trained(settings, "fenet", "FENet", &FoldResult::weights));
    if (all_have(sessions, &FoldResult::best_weights) && !best_is_last(sessions))
      recipes.push_back(trained(settings, "fenet_best", "FENet, best saved (chosen here)", &FoldResult::best_weights));
  }
  if (all_have(sessions, &FoldResult::start_weights))
    recipes.push_back(trained(settings, "start", settings.model.weights ? "start weights" : "wavelet start",
                              &FoldResult::start_weights));
  for (const std::string& path : settings.eval.compare) recipes.push_back(from_file(path));
  if (settings.eval.baselines)
    for (const Baseline kind : baselines()) recipes.push_back(baseline(kind));
  return recipes;
}

/// The headline metric of every channel alone.
std::vector<double> channel_scores(const Tensor& features, std::int64_t channels, const Tensor& labels,
                                   const Protocol& protocol) {
  const std::int64_t rows = features.size(0), width = features.size(1) / channels;
  std::vector<double> out;
  for (std::int64_t c = 0; c < channels; ++c) {
    const Tensor own = Tensor::empty({rows, width});
    for (std::int64_t r = 0; r < rows; ++r)
      std::copy_n(features.data<float>() + r * features.size(1) + c * width, width, own.mut<float>() + r * width);
    out.push_back(judge(own, 1, labels, protocol).metrics.at(kHeadline));
  }
  return out;
}

Decoded decoded_of(const JudgedSession& s, const Tensor& features, Scores scores, const Protocol& protocol) {
  Decoded d;
  d.session = s.session.name;
  d.fold = s.fold == nullptr ? 0 : s.fold->fold;
  d.labels = s.session.labels;
  d.predictions = std::move(scores.predictions);
  d.metric = scores.metrics.at(kHeadline);
  d.channels = s.channels;
  d.channel_r2 = channel_scores(features, s.session.segments->channels(), s.session.labels, protocol);
  return d;
}

/// Adds the scores of a session to a method.
void add_scores(const Scores& scores, std::size_t sessions, Method& method) {
  method.folds.insert(method.folds.end(), scores.folds.begin(), scores.folds.end());
  for (const auto& [name, value] : scores.metrics) method.metrics[name] += value / static_cast<double>(sessions);
}

}  // namespace

std::vector<JudgedSession> judged_sessions(const Settings& settings, const std::vector<Day>& days,
                                           const std::vector<Day>& others, const CrossValidation& run) {
  std::vector<JudgedSession> all, out;
  for (const Day& day : settings.train.folds > 1 ? days : others)
    for (const Session& session : day.sessions) all.push_back({session, day.rate_hz, day.channels, nullptr});
  for (const FoldResult& fold : run.folds) {
    if (fold.status == FoldStatus::failed) continue;
    std::vector<std::int64_t> numbers(all.size());
    std::iota(numbers.begin(), numbers.end(), 0);
    if (settings.train.folds > 1)
      numbers = held_out_sessions(static_cast<std::int64_t>(all.size()), settings.train.folds, fold.fold);
    for (const std::int64_t i : numbers) {
      out.push_back(all[static_cast<std::size_t>(i)]);
      out.back().fold = &fold;
    }
  }
  return out;
}

Comparison compare_methods(const Settings& settings, const std::vector<JudgedSession>& sessions) {
  Comparison out;
  out.sessions = static_cast<std::int64_t>(sessions.size());
  out.folds = settings.eval.folds;
  if (sessions.empty()) return out;
  const std::vector<Recipe> recipes = recipes_of(settings, sessions);
  for (const Recipe& r : recipes) {
    Method method;
    method.key = r.key;
    method.title = r.title;
    method.features = r.features;
    method.of_run = r.of_run;
    out.methods.push_back(std::move(method));
  }
  for (const JudgedSession& s : sessions)
    for (std::size_t i = 0; i < recipes.size(); ++i) {
      Protocol protocol = fitting(protocol_of(settings), recipes[i].features, recipes[i].normalise);
      const Tensor features = recipes[i].make(s);
      if (recipes[i].reduction) protocol.learned = recipes[i].reduction(s);
      Scores scores = judge(features, s.session.segments->channels(), s.session.labels, protocol);
      add_scores(scores, sessions.size(), out.methods[i]);
      if (i > 0) continue;
      out.invalid += scores.invalid_folds;
      protocol.learned = {};  // single channels are reduced by PLS
      out.decoded.push_back(decoded_of(s, features, std::move(scores), protocol));
    }
  for (Method& method : out.methods) {
    summarise(method);
    relate(out.methods.front(), method);
  }
  return out;
}

report::Table comparison_table(const Comparison& comparison) {
  report::Table table;
  table.title = text::cat("Squared correlation with the movement, ", comparison.sessions,
                          comparison.sessions == 1 ? " held-out session" : " held-out sessions");
  table.note = text::cat("mean over ", comparison.folds, " folds per session, [95 % interval] by bootstrap over folds");
  if (comparison.invalid > 0)
    table.note += text::cat("; ", comparison.invalid, " folds with a constant axis are left out");
  const auto column = [](const char* name, bool left) {
    report::Column c;
    c.name = name;
    c.left = left;
    return c;
  };
  table.columns = {column("features", true), column("per channel", false), column("R2", false),
                   column("95 %", true),     column("x", false),           column("y", false),
                   column("MSE", false),     column("the first is", true)};
  double best = -1;
  for (const Method& m : comparison.methods) best = std::max(best, std::isfinite(m.mean) ? m.mean : -1);
  const auto range = [](const linalg::Interval& i, int decimals) {
    return std::isfinite(i.low) ? text::cat("[", text::fixed(i.low, decimals), ", ", text::fixed(i.high, decimals), "]")
                                : std::string("-");
  };
  const auto metric = [](const Method& m, const char* name) {
    const auto found = m.metrics.find(name);
    return found == m.metrics.end() ? std::numeric_limits<double>::quiet_NaN() : found->second;
  };
  for (const Method& m : comparison.methods) {
    const bool itself = &m == &comparison.methods.front();
    table.rows.push_back({m.title, text::to_text(m.features), report::number(m.mean, 3, m.mean == best),
                          range(m.interval, 3), report::number(metric(m, "pearsonr2-x"), 3),
                          report::number(metric(m, "pearsonr2-y"), 3), report::number(metric(m, "decoder-MSE"), 4),
                          itself || !std::isfinite(m.ratio)
                              ? ""
                              : text::cat(text::fixed(m.ratio, 2), " x ", range(m.ratio_interval, 2))});
  }
  return table;
}

}  // namespace thimble::fenet
