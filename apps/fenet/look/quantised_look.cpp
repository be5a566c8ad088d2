#include "apps/fenet/look/quantised_look.h"

#include "core/base/error.h"
#include "core/io/json.h"
#include "core/parallel/blocks.h"
#include "core/random/philox.h"

#include "apps/fenet/evaluate/criteria.h"
#include "apps/fenet/hardware/quantised_network.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

namespace thimble::fenet {
namespace {

using QuantJson = nlohmann::ordered_json;

constexpr const char* kScore = "pearsonr2-xy-normed";
constexpr std::int64_t kShown = 300;  // segments of a trajectory
constexpr double kBrightest = 0.7;    // upper end of the heat map

Tensor picked_rows(const Tensor& x, const std::vector<std::int64_t>& rows) {
  const Tensor out = Tensor::empty(x.shape(), x.dtype());
  const std::size_t bytes = x.bytes() / static_cast<std::size_t>(std::max<std::int64_t>(1, x.size(0)));
  for (std::size_t i = 0; i < rows.size(); ++i)
    std::memcpy(static_cast<char*>(out.raw_mut()) + i * bytes,
                static_cast<const char*>(x.raw()) + static_cast<std::size_t>(rows[i]) * bytes, bytes);
  return out;
}

std::vector<std::int64_t> shuffled(std::int64_t n, const Stream& random, std::uint64_t step) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(n));
  std::iota(rows.begin(), rows.end(), std::int64_t{0});
  for (std::size_t i = rows.size(); i > 1; --i) std::swap(rows[i - 1], rows[random.below(i, step, i)]);
  return rows;
}

std::vector<double> finite_only(std::vector<double> values) {
  std::erase_if(values, [](double v) { return !std::isfinite(v); });
  return values;
}

double share_of(const std::vector<double>& values, double p) {
  const std::vector<double> good = finite_only(values);
  return good.empty() ? std::nan("") : linalg::quantile(good, p, linalg::QuantileRule::linear);
}

report::Series quantile_band(const std::vector<const FormatScores*>& formats, double low, double high,
                             const std::string& name, int style) {
  report::Series s = report::line_series(name, {}, {});
  s.mark = report::Mark::band;
  s.style = style;
  for (const FormatScores* format : formats) {
    s.x.push_back(static_cast<double>(format->fraction));
    s.y.push_back(share_of(format->scores, 0.5));
    s.low.push_back(share_of(format->scores, low));
    s.high.push_back(share_of(format->scores, high));
  }
  return s;
}

report::Figure band_figure(const std::vector<FormatScores>& all, std::int64_t word_length, double unquantised) {
  std::vector<const FormatScores*> formats;
  for (const FormatScores& format : all)
    if (format.word_length == word_length) formats.push_back(&format);
  report::Figure f =
      report::plain_figure(text::cat("quantised-", word_length, "-bits"), text::cat("Words of ", word_length, " bits"),
                           "Median with the bands of 25 to 75 % and 5 to 95 % of the repetitions. Too few fraction "
                           "bits lose resolution, too "
                           "many let values saturate.",
                           report::figure_axis("fraction bits"), report::figure_axis("R2 (pearsonr2-xy-normed)"));
  f.series = {quantile_band(formats, 0.05, 0.95, "5 to 95 %", 1), quantile_band(formats, 0.25, 0.75, "25 to 75 %", 0)};
  f.rules.push_back({false, unquantised, "unquantised"});
  return f;
}

report::Figure format_map(const std::vector<FormatScores>& all, const QuantisedLookOptions& options) {
  const std::vector<std::int64_t>&x = options.word_lengths, &y = options.fractions;
  const auto edge = [](std::int64_t value, double by) { return static_cast<double>(value) + by; };
  report::Figure f = report::plain_figure(
      "quantised-map", "R2 by number format", "Medians over the repetitions; dark cells are formats that do not work.",
      report::figure_axis("word length", "bits", edge(x.front(), -0.5), edge(x.back(), 0.5)),
      report::figure_axis("fraction", "bits", edge(y.front(), -0.5), edge(y.back(), 0.5)));
  for (const std::int64_t bits : x) f.x.names.emplace_back(edge(bits, 0), text::to_text(bits));
  for (const std::int64_t bits : y) f.y.names.emplace_back(edge(bits, 0), text::to_text(bits));
  report::Grid grid;
  grid.x = {edge(x.front(), -0.5), edge(x.back(), 0.5)};
  grid.y = {edge(y.front(), -0.5), edge(y.back(), 0.5)};
  grid.columns = x.size();
  grid.rows = y.size();
  grid.label = text::cat("R2, at most ", kBrightest);
  grid.colours = linalg::Range{0, kBrightest};
  grid.values.assign(x.size() * y.size(), std::nan(""));
  for (const FormatScores& format : all) {
    const auto column = static_cast<std::size_t>(std::find(x.begin(), x.end(), format.word_length) - x.begin());
    const auto row = static_cast<std::size_t>(std::find(y.begin(), y.end(), format.fraction) - y.begin());
    grid.values[row * x.size() + column] = share_of(format.scores, 0.5);
  }
  f.grid = std::move(grid);
  return f;
}

std::vector<double> label_axis(const Tensor& table, std::int64_t axis) {
  const std::vector<double> all = table.to_vector();
  std::vector<double> out;
  for (std::int64_t row = 0; row < std::min(kShown, table.size(0)); ++row)
    out.push_back(all[static_cast<std::size_t>(row * table.size(1) + axis)]);
  return out;
}

report::Figure trajectory_figure(const DayFeatures& day, const Scores& with, const Scores& without, std::int64_t axis,
                                 const QuantisedLookOptions& options) {
  report::Figure f = report::plain_figure(
      text::cat("trajectory-", axis_name(axis), "-", day.day),
      text::cat(day.session.name, ", ", axis_name(axis), ": (", options.word_length, ", ", options.fraction, ")"),
      text::cat("R2 unquantised ", text::fixed(without.metrics.at(kScore), 4), ", quantised ",
                text::fixed(with.metrics.at(kScore), 4), "."),
      report::figure_axis("segment"), report::figure_axis(text::cat(axis_name(axis), ", normalised"), "", -1.5, 1.5));
  std::vector<double> x(static_cast<std::size_t>(std::min(kShown, day.labels.size(0))));
  std::iota(x.begin(), x.end(), 0.0);
  f.series = {report::line_series("truth", x, label_axis(day.labels, axis)),
              report::line_series("unquantised", x, label_axis(without.predictions, axis)),
              report::line_series("quantised", x, label_axis(with.predictions, axis))};
  f.series[0].secondary = true;
  return f;
}

std::string formats_csv(const std::vector<FormatScores>& all, double unquantised) {
  std::string out = "word_length,fraction,unquantised,p05,p25,median,p75,p95,repetitions\n";
  for (const FormatScores& format : all) {
    out += text::cat(format.word_length, ',', format.fraction, ',', unquantised);
    for (const double p : {0.05, 0.25, 0.5, 0.75, 0.95}) out += text::cat(',', share_of(format.scores, p));
    out += text::cat(',', format.scores.size(), '\n');
  }
  return out;
}

std::vector<FormatScores> score_formats(const Network& network, const DayFeatures& day, const Protocol& protocol,
                                        const QuantisedLookOptions& options) {
  std::vector<FormatScores> out;
  for (const std::int64_t word_length : options.word_lengths)
    for (const std::int64_t fraction : options.fractions)
      if (fraction < word_length)
        out.push_back({word_length, fraction,
                       repeated_scores(quantised_features_of(network, *day.session.segments, word_length, fraction),
                                       day.channels, day.labels, protocol, options.repetitions, options.seed)});
  return out;
}

}  // namespace

Tensor quantised_features_of(const Network& network, const SegmentSource& segments, std::int64_t word_length,
                             std::int64_t fraction) {
  QuantKeys keys;
  keys.word_length = word_length;
  keys.fraction = fraction;
  const std::vector<Tensor> weights = network.weights();
  const QuantisedNetwork quantised = quantise_network("", network.architecture, weights, keys);
  const std::int64_t columns = segments.channels() * quantised.features();
  const Tensor out = Tensor::empty({segments.segments(), columns});
  const float step = std::ldexp(1.0f, -static_cast<int>(fraction));
  for_each_block(segments, block_segments(segments.channels(), segments.samples()),
                 [&](std::int64_t first, const Tensor& block) {
                   const Tensor integers = kernels::quantised_features(quantised.chain, block);
                   const auto* from = integers.data<std::int32_t>();
                   float* to = out.mut<float>() + first * columns;
                   for (std::int64_t i = 0; i < integers.numel(); ++i) to[i] = static_cast<float>(from[i]) * step;
                 });
  return out;
}

std::vector<double> repeated_scores(const Tensor& features, std::int64_t channels, const Tensor& labels,
                                    const Protocol& protocol, std::int64_t repetitions, std::uint64_t seed) {
  Protocol halves = protocol;
  halves.folds = 2;
  const Stream random = Rng(seed).stream("repetitions");
  std::vector<double> out(static_cast<std::size_t>(repetitions));
  for (std::int64_t r = 0; r < repetitions; ++r) {
    const std::vector<std::int64_t> rows = shuffled(features.size(0), random, static_cast<std::uint64_t>(r));
    const Scores scores = judge(picked_rows(features, rows), channels, picked_rows(labels, rows), halves);
    out[static_cast<std::size_t>(r)] = scores.metrics.at(kScore);
  }
  return out;
}

Look quantised_look(const Network& network, const std::vector<DayFeatures>& days, const Protocol& protocol,
                    const QuantisedLookOptions& options) {
  const DayFeatures& first = days.front();
  const double unquantised = share_of(
      repeated_scores(first.features, first.channels, first.labels, protocol, options.repetitions, options.seed), 0.5);
  const std::vector<FormatScores> all = score_formats(network, first, protocol, options);
  Look look;
  look.section.heading = "Quantised";
  look.section.text = {text::cat("Weights and activations rounded; PLS and decoder fitted again. ", options.repetitions,
                                 " random halves of ", first.session.name, "; unquantised median R2 ",
                                 text::fixed(unquantised, 4))};
  for (const std::int64_t word_length : options.word_lengths)
    look.section.figures.push_back(band_figure(all, word_length, unquantised));
  look.section.figures.push_back(format_map(all, options));
  QuantJson json = {{"unquantised", unquantised}};
  for (const DayFeatures& day : days) {
    const Scores without = judge(day.features, day.channels, day.labels, protocol);
    const Scores with =
        judge(quantised_features_of(network, *day.session.segments, options.word_length, options.fraction),
              day.channels, day.labels, protocol);
    for (std::int64_t axis = 0; axis < day.labels.size(1); ++axis)
      look.section.figures.push_back(trajectory_figure(day, with, without, axis, options));
    json["days"].push_back({{"session", day.session.name},
                            {"unquantised", without.metrics.at(kScore)},
                            {"quantised", with.metrics.at(kScore)}});
  }
  look.files = {{"quantised.json", io::json_text(json, 2) + "\n"},
                {"quantised-formats.csv", formats_csv(all, unquantised)}};
  return look;
}

}  // namespace thimble::fenet
