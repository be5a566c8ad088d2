#include "apps/neurotrigger/study/drift_monitor.h"

#include "core/base/error.h"
#include "core/io/json.h"

#include "apps/neurotrigger/data/scaling.h"
#include "apps/neurotrigger/look/figure_parts.h"
#include "apps/neurotrigger/study/sensitivity.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numbers>

namespace thimble::neurotrigger {
namespace {

using DriftKind = DriftTest::Kind;

constexpr std::size_t kStabilityBins = 10;

double real(std::int64_t n) {
  return static_cast<double>(n);
}

/// Tracks that count as independent: at most one per event.
double independent(std::int64_t values, const ReferenceStatistics& s) {
  return s.tracks == 0 ? 0.0 : real(values) * std::min(1.0, real(s.events) / real(s.tracks));
}

/// Two-sided probability that two shares of one population differ so much (pooled normal approximation).
double share_probability(double a, double n, double b, double m) {
  const double pooled = (a * n + b * m) / (n + m), variance = pooled * (1 - pooled) * (1 / n + 1 / m);
  if (variance <= 0) return a == b ? 1.0 : 0.0;
  return std::erfc(std::abs(a - b) / std::sqrt(variance) / std::numbers::sqrt2);
}

std::string percent_text(double share) {
  return text::fixed(100 * share, 1) + " %";
}

std::string p_text(double p) {
  if (p < 1e-12) return "below 1e-12";
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), p, std::chars_format::general, 2).ptr;
  return {digits.data(), end};
}

std::string shape_sentence(const DriftTest& t) {
  std::string hint;
  if (t.name.ends_with("driftT"))
    hint = text::cat(" (mean drift time ", text::fixed(256 * t.now, 1), " bins instead of ",
                     text::fixed(256 * t.reference, 1), "): look at event time, drift velocity, gas, unknown sides");
  else if (t.name.ends_with("relID"))
    hint = ": look at alignment, beam spot and what tracks the 2D finder lets through";
  else if (t.name.ends_with("alpha"))
    hint = ": the momentum spectrum or the 2D finder changed";
  else
    hint = ": the networks answer differently; origin of the tracks or inputs changed";
  return text::cat(t.name, " has another shape than in training, largest difference of the cumulated shares ",
                   text::fixed(t.distance, 3), hint);
}

std::string share_sentence(const DriftTest& t) {
  const std::string change =
      text::cat(percent_text(t.now), " of the tracks, ", percent_text(t.reference), " in training");
  switch (t.kind) {
    case DriftKind::hits:
      return text::cat(t.name, ": ", change,
                       t.now < t.reference ? ": super layer inefficient or off" : ": more hits, noise?");
    case DriftKind::unknown_side:
      return text::cat(t.name, ": ", percent_text(t.now), " of the hits, ", percent_text(t.reference), " in training");
    default:
      return text::cat(t.name, " takes ", change, ": look at the stereo super layers");
  }
}

void add_shape(std::vector<DriftTest>& tests, DriftKind kind, const std::string& name, const Profile& before,
               const Profile& after, const ReferenceStatistics& reference, const ReferenceStatistics& now) {
  if (before.total == 0 || after.total == 0) return;
  DriftTest t;
  t.kind = kind;
  t.name = name;
  t.reference = *before.mean_size();
  t.now = *after.mean_size();
  t.distance = ks_distance(before, after);
  t.psi = stability_index(before, after);
  t.p = ks_probability(t.distance, independent(before.total, reference), independent(after.total, now));
  tests.push_back(std::move(t));
}

void add_share(std::vector<DriftTest>& tests, DriftKind kind, const std::string& name, std::int64_t part_before,
               std::int64_t of_before, std::int64_t part_after, std::int64_t of_after,
               const ReferenceStatistics& reference, const ReferenceStatistics& now) {
  if (of_before == 0 || of_after == 0) return;
  DriftTest t;
  t.kind = kind;
  t.name = name;
  t.reference = real(part_before) / real(of_before);
  t.now = real(part_after) / real(of_after);
  t.distance = std::abs(t.now - t.reference);
  t.p = share_probability(t.reference, independent(of_before, reference), t.now, independent(of_after, now));
  tests.push_back(std::move(t));
}

bool is_shape(const DriftTest& t) {
  return t.kind == DriftKind::input || t.kind == DriftKind::output;
}

void judge_tests(std::vector<DriftTest>& tests, const DriftLimits& limits) {
  for (DriftTest& t : tests) {
    t.p_corrected = std::min(1.0, t.p * static_cast<double>(tests.size()));
    t.flagged = t.p_corrected < limits.p && t.distance >= (is_shape(t) ? limits.shape : limits.share);
    if (t.flagged) t.sentence = is_shape(t) ? shape_sentence(t) : share_sentence(t);
  }
}

const char* kind_name(DriftKind kind) {
  switch (kind) {
    case DriftKind::input:
      return "input";
    case DriftKind::output:
      return "output";
    case DriftKind::hits:
      return "hit efficiency";
    case DriftKind::unknown_side:
      return "unknown side";
    case DriftKind::expert:
      return "expert share";
  }
  return "?";
}

/// Ends (exclusive) of about ten groups of bins with equal reference share; a bin with more than a tenth is one group.
std::vector<std::size_t> equal_groups(const Profile& reference) {
  const double tenth = real(reference.total) / kStabilityBins;
  std::vector<std::size_t> ends;
  std::int64_t sum = 0;
  double next = tenth;
  for (std::size_t bin = 0; bin < Profile::kBins; ++bin) {
    sum += reference.counts[bin];
    if (real(sum) < next) continue;
    ends.push_back(bin + 1);
    next = tenth * (std::floor(real(sum) / tenth) + 1);
  }
  if (ends.empty()) return {Profile::kBins};
  ends.back() = Profile::kBins;  // nothing of the reference lies behind
  return ends;
}

}  // namespace

double ks_distance(const Profile& a, const Profile& b) {
  THIMBLE_CHECK(a.total > 0 && b.total > 0, value, "ks_distance: one side has no values");
  std::int64_t sum_a = 0, sum_b = 0;
  double most = 0;
  for (std::size_t bin = 0; bin < Profile::kBins; ++bin) {
    sum_a += a.counts[bin];
    sum_b += b.counts[bin];
    most = std::max(most, std::abs(real(sum_a) / real(a.total) - real(sum_b) / real(b.total)));
  }
  return most;
}

double ks_probability(double distance, double n, double m) {
  const double root = std::sqrt(n * m / (n + m)), lambda = (root + 0.12 + 0.11 / root) * distance;
  if (!(lambda > 0.2)) return 1.0;  // the series is 1 to ten digits there and converges badly
  double sum = 0;
  for (int j = 1; j <= 100; ++j) {
    const double term = std::exp(-2.0 * j * j * lambda * lambda);
    sum += j % 2 == 1 ? term : -term;
    if (term < 1e-16 * sum) break;
  }
  return std::clamp(2 * sum, 0.0, 1.0);
}

double stability_index(const Profile& reference, const Profile& now) {
  const std::vector<std::size_t> ends = equal_groups(reference);
  const auto groups = static_cast<double>(ends.size());
  double index = 0;
  std::size_t begin = 0;
  for (const std::size_t end : ends) {
    std::int64_t before = 0, after = 0;
    for (std::size_t bin = begin; bin < end; ++bin) before += reference.counts[bin], after += now.counts[bin];
    begin = end;
    // half a track more in every group, so that an empty one has a logarithm
    const double q = (real(before) + 0.5) / (real(reference.total) + groups / 2),
                 p = (real(after) + 0.5) / (real(now.total) + groups / 2);
    index += (p - q) * std::log(p / q);
  }
  return index;
}

std::vector<DriftTest> drift_tests(const ReferenceStatistics& reference, const ReferenceStatistics& now,
                                   const DriftLimits& limits) {
  std::vector<DriftTest> tests;
  for (std::size_t i = 0; i < kInputs; ++i)
    add_shape(tests, DriftKind::input, input_name(i), reference.inputs[i], now.inputs[i], reference, now);
  for (std::size_t c = 0; c < 2; ++c)
    add_shape(tests, DriftKind::output, c == 0 ? "output z" : "output theta", reference.outputs[c], now.outputs[c],
              reference, now);
  for (std::size_t s = 0; s < kSuperLayers; ++s) {
    add_share(tests, DriftKind::hits, text::cat("hits in SL", s), reference.hits[s], reference.tracks, now.hits[s],
              now.tracks, reference, now);
    add_share(tests, DriftKind::unknown_side, text::cat("unknown side in SL", s), reference.unknown_side[s],
              reference.hits[s], now.unknown_side[s], now.hits[s], reference, now);
  }
  for (std::size_t e = 0; e < kExperts; ++e)
    add_share(tests, DriftKind::expert, text::cat("expert ", e), reference.experts[e], reference.tracks, now.experts[e],
              now.tracks, reference, now);
  judge_tests(tests, limits);
  return tests;
}

report::Table drift_table(const std::vector<DriftTest>& tests) {
  std::vector<DriftTest> sorted = tests;
  std::stable_sort(sorted.begin(), sorted.end(), [](const DriftTest& a, const DriftTest& b) {
    return std::pair(a.flagged, a.distance) > std::pair(b.flagged, b.distance);
  });
  report::Table table;
  table.title = "Against the training tracks";
  table.note =
      "distance: Kolmogorov-Smirnov for shapes, else the difference of the shares; PSI: population stability index, "
      "above "
      "0.1 a change, above 0.25 a large one; p: corrected for all tests, one event counts once; shares in %, for "
      "shapes "
      "the mean of |value| in %";
  table.columns = {{"what", "", true, false},  {"kind", "", true, false},      {"training", "%", false, true},
                   {"now", "%", false, false}, {"distance", "", false, false}, {"PSI", "", false, false},
                   {"p", "", false, false},    {"", "", true, false}};
  for (const DriftTest& t : sorted)
    table.rows.push_back({t.name, kind_name(t.kind), report::number(100 * t.reference, 1),
                          report::number(100 * t.now, 1), report::number(t.distance, 4),
                          is_shape(t) ? report::number(t.psi, 3) : report::Cell("-"), p_text(t.p_corrected),
                          t.flagged ? "shifted" : ""});
  return table;
}

report::Figure shape_figure(const std::string& name, const Profile& reference, const Profile& now) {
  report::Figure f =
      plain_figure("drift-" + name, name, "Share of the tracks per bin, in training and now; both areas are 1.",
                   figure_axis(name), figure_axis("share per bin"));
  const auto add = [&f](const char* label, const Profile& p) {
    constexpr std::size_t kPerBin = 9;  // 57 bins: quiet enough to see a shift
    report::Series s;
    s.mark = report::Mark::histogram;
    s.name = label;
    s.x.push_back(-1.0 - 0.5 / 256);
    for (std::size_t bin = 0; bin < Profile::kBins; bin += kPerBin) {
      std::int64_t count = 0;
      for (std::size_t i = bin; i < bin + kPerBin; ++i) count += p.counts[i];
      s.x.push_back(-1.0 + (static_cast<double>(bin + kPerBin) - 0.5) / 256);
      s.y.push_back(real(count) / real(std::max<std::int64_t>(1, p.total)));
    }
    f.series.push_back(std::move(s));
  };
  add("training", reference);
  add("now", now);
  return f;
}

std::string drift_json(const std::vector<DriftTest>& tests, const ReferenceStatistics& reference,
                       const ReferenceStatistics& now) {
  nlohmann::ordered_json json = {
      {"reference_tracks", reference.tracks},
      {"reference_events", reference.events},
      {"tracks", now.tracks},
      {"events", now.events},
      {"shifted", std::any_of(tests.begin(), tests.end(), [](const DriftTest& t) { return t.flagged; })}};
  for (const DriftTest& t : tests)
    json["tests"].push_back({{"name", t.name},
                             {"kind", kind_name(t.kind)},
                             {"reference", t.reference},
                             {"now", t.now},
                             {"distance", t.distance},
                             {"psi", is_shape(t) ? nlohmann::ordered_json(t.psi) : nlohmann::ordered_json(nullptr)},
                             {"p", t.p},
                             {"p_corrected", t.p_corrected},
                             {"flagged", t.flagged},
                             {"sentence", t.sentence}});
  return io::json_text(json, 2) + "\n";
}

}  // namespace thimble::neurotrigger
