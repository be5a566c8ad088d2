#include "apps/fenet/look/model_look.h"

#include "core/io/json.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace thimble::fenet {
namespace {

using ModelJson = nlohmann::ordered_json;

constexpr std::size_t kModelBins = 50;
constexpr std::int64_t kMapWindows = 64;

report::Figure weights_figure(const std::vector<double>& values) {
  const auto [least, greatest] = std::minmax_element(values.begin(), values.end());
  report::Figure f = report::plain_figure(
      "weights", text::cat("Weights from ", text::significant(*least, 4), " to ", text::significant(*greatest, 4)),
      "All taps of all filters. Weights beyond 3.98 saturate in the published format of 9 bits, 6 of them fraction.",
      report::figure_axis("weight"), report::figure_axis("taps"));
  f.series.push_back(
      report::histogram_series("all filters", linalg::histogram(values, kModelBins),
                               report::statistics_text(values.size(), linalg::mean(values),
                                                       linalg::standard_deviation(values, linalg::Divisor::n), "")));
  return f;
}

/// Histogram as shares of all values, so that two of different sizes can be compared.
report::Series share_series(const std::string& name, const std::vector<double>& values) {
  report::Series s =
      report::histogram_series(name, linalg::histogram(values, kModelBins),
                               report::statistics_text(values.size(), linalg::mean(values),
                                                       linalg::standard_deviation(values, linalg::Divisor::n), ""));
  for (double& y : s.y) y *= 100.0 / static_cast<double>(std::max<std::size_t>(1, values.size()));
  return s;
}

report::Figure decoder_figure(const std::vector<double>& in, const std::vector<double>& out) {
  report::Figure f = report::plain_figure("decoder", "Into the decoder and out of it",
                                          "Inputs are reduced features, outputs the decoded movement; each in 50 bins "
                                          "over its own range and as shares, since there are fewer outputs.",
                                          report::figure_axis("value"), report::figure_axis("share", "%"));
  f.series = {share_series("inputs", in), share_series("outputs", out)};
  return f;
}

ValueRow value_row(std::string name, const std::vector<double>& values, std::size_t bins) {
  const auto [least, greatest] = std::minmax_element(values.begin(), values.end());
  const linalg::SortedBins sorted = linalg::sorted_bins(values, bins);
  return {std::move(name), *least, *greatest, static_cast<std::int64_t>(values.size()), sorted.shares};
}

report::Figure map_figure(const std::vector<ValueRow>& rows) {
  const std::size_t bins = rows.front().shares.size();
  report::Figure f = report::plain_figure(
      "values", "Values along the network",
      "Each row: how the values of one path lie between their least (left) and greatest (right). A row that is dark "
      "but for one cell uses little of its range: few bits would do, or rare peaks decide the format.",
      report::figure_axis("bin from least to greatest value", "", 0.5, static_cast<double>(bins) + 0.5),
      report::figure_axis("", "", -0.5, static_cast<double>(rows.size()) - 0.5));
  report::Grid grid;
  grid.x = {0.5, static_cast<double>(bins) + 0.5};
  grid.y = {-0.5, static_cast<double>(rows.size()) - 0.5};
  grid.columns = bins;
  grid.rows = rows.size();
  grid.label = "share of the row [%]";
  for (std::size_t r = 0; r < rows.size(); ++r) {
    f.y.names.emplace_back(static_cast<double>(r), rows[r].name);
    for (const double share : rows[r].shares) grid.values.push_back(100 * share);
  }
  f.grid = std::move(grid);
  return f;
}

std::string values_csv(const std::vector<ValueRow>& rows) {
  std::string out = "path,values,least,greatest";
  for (std::size_t i = 0; i < rows.front().shares.size(); ++i) out += text::cat(",bin_", i + 1);
  out += '\n';
  for (const ValueRow& row : rows) {
    out += text::cat('"', row.name, "\",", row.count, ',', row.least, ',', row.greatest);
    for (const double share : row.shares) out += text::cat(',', share);
    out += '\n';
  }
  return out;
}

Tensor some_windows(const Session& session) {
  const SegmentSource& source = *session.segments;
  const std::int64_t segments =
      std::min(source.segments(), std::max<std::int64_t>(1, kMapWindows / source.channels() + 1));
  const Tensor block = Tensor::empty({segments, source.channels(), source.samples()});
  source.read(0, block);
  const Tensor windows = block.reshape({segments * source.channels(), source.samples()});
  return windows.rows(0, std::min(kMapWindows, windows.size(0)));
}

}  // namespace

std::vector<ValueRow> value_rows(const Network& network, const Tensor& windows, std::size_t bins) {
  const kernels::WaveletChain chain = network.architecture.chain();
  const std::vector<Tensor> weights = network.weights();
  std::vector<std::vector<double>> now;
  for (std::int64_t w = 0; w < windows.size(0); ++w) now.push_back(windows.rows(w, 1).to_vector());
  std::vector<ValueRow> rows;
  for (std::size_t level = 0; level < chain.levels.size(); ++level) {
    const kernels::WaveletLevel& shape = chain.levels[level];
    const std::vector<double> feat = weights[2 * level].to_vector(), pass = weights[2 * level + 1].to_vector();
    std::vector<double> folded, passed;
    for (std::vector<double>& x : now) {
      for (const double y : kernels::reference::wavelet_level(shape, x, feat))
        folded.push_back(y >= 0 ? y : -std::ldexp(y, -shape.relu_power));
      x = kernels::reference::wavelet_level(shape, x, pass);
      passed.insert(passed.end(), x.begin(), x.end());
    }
    rows.push_back(value_row(text::cat("level ", level + 1, ", feature"), folded, bins));
    rows.push_back(value_row(text::cat("level ", level + 1, ", pass"), passed, bins));
  }
  return rows;
}

Look model_look(const Network& network, const DayFeatures& day, const Protocol& protocol) {
  std::vector<double> weights;
  for (const Tensor& filter : network.weights()) {
    const std::vector<double> taps = filter.to_vector();
    weights.insert(weights.end(), taps.begin(), taps.end());
  }
  const Tensor features = protocol.normalise ? normalise_columns(day.features) : day.features;
  const Head head = fit_head(features, day.channels, day.labels, protocol);
  const std::vector<double> in = head.reduce(features).to_vector(), out = head.predict(features).to_vector();
  const std::vector<ValueRow> rows = value_rows(network, some_windows(day.session));
  Look look;
  look.section.heading = "Network";
  look.section.text = {text::cat(weights.size(), " weights; decoder and values on ", day.session.name, ", ",
                                 day.labels.size(0), " segments of ", day.channels, " channels")};
  look.section.figures = {weights_figure(weights), decoder_figure(in, out), map_figure(rows)};
  const auto counts = [](const std::vector<double>& values) {
    const linalg::Histogram h = linalg::histogram(values, kModelBins);
    return ModelJson{{"low", h.low}, {"high", h.high}, {"counts", h.counts}};
  };
  const ModelJson json = {
      {"weights", counts(weights)}, {"decoder_inputs", counts(in)}, {"decoder_outputs", counts(out)}};
  look.files = {{"network.json", io::json_text(json, 2) + "\n"}, {"network-values.csv", values_csv(rows)}};
  return look;
}

}  // namespace thimble::fenet
