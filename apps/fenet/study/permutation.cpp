#include "apps/fenet/study/permutation.h"

#include "core/base/error.h"
#include "core/io/json.h"
#include "core/random/philox.h"

#include "apps/fenet/study/study.h"
#include "apps/fenet/train/fold_training.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace thimble::fenet {
namespace {

using PermutationJson = nlohmann::ordered_json;

constexpr std::int64_t kFewestSegments = 20;
constexpr std::size_t kChanceBins = 30;

Tensor rotated(const Tensor& labels, std::int64_t by) {
  const Tensor out = Tensor::empty(labels.shape(), labels.dtype());
  const std::int64_t n = labels.size(0);
  copy_into(labels.rows(0, n - by), out.rows(by, n - by));
  copy_into(labels.rows(n - by, by), out.rows(0, by));
  return out;
}

report::Figure chance_figure(const std::string& session, const PermutationTest& test) {
  report::Figure f = report::plain_figure(
      "permutation-" + session, "Chance, " + session,
      text::cat("R2 with the labels moved in time; the line is the R2 with the labels where they belong, p = ",
                text::significant(test.p, 3), "."),
      report::figure_axis("R2 (pearsonr2-xy-normed)"), report::figure_axis("count"));
  std::vector<double> good = test.chance;
  std::erase_if(good, [](double v) { return !std::isfinite(v); });
  if (!good.empty()) f.series.push_back(report::histogram_series("moved labels", linalg::histogram(good, kChanceBins)));
  f.rules.push_back({true, test.value, "labels in place"});
  f.x.low = 0;
  f.x.high = std::max(test.value * 1.1, good.empty() ? 0.0 : *std::max_element(good.begin(), good.end()) * 1.1);
  return f;
}

}  // namespace

PermutationTest permutation_test(const Tensor& features, std::int64_t channels, const Tensor& labels,
                                 const Protocol& protocol, std::int64_t permutations, std::uint64_t seed) {
  const std::int64_t n = features.size(0);
  THIMBLE_CHECK(n >= kFewestSegments, data, "a permutation test needs ", kFewestSegments, " segments, not ", n);
  const Stream random = Rng(seed).stream("permutation");
  PermutationTest out;
  out.value = judge(features, channels, labels, protocol).metrics.at(kHeadline);
  const std::int64_t edge = n / 10;
  std::int64_t as_good = 0;
  for (std::int64_t i = 0; i < permutations; ++i) {
    const auto free = static_cast<std::uint64_t>(n - 2 * edge + 1);
    const std::int64_t by = edge + static_cast<std::int64_t>(random.below(free, 0, static_cast<std::uint64_t>(i)));
    out.chance.push_back(judge(features, channels, rotated(labels, by), protocol).metrics.at(kHeadline));
    as_good += out.chance.back() >= out.value ? 1 : 0;
  }
  out.p = static_cast<double>(1 + as_good) / static_cast<double>(1 + permutations);
  return out;
}

Look permutation_study(const View& view, const StudyOptions& options) {
  const std::vector<DayFeatures> days = features_of_days(view.network, view.days(), options.segments);
  Look look;
  look.section.heading = "Permutation test";
  report::Table table;
  table.title = "Decoding against chance";
  table.note = "chance: R2 with the labels moved round in time; p: share of moves at least as good";
  table.columns = {{"session", "", true, false},
                   {"R2", "", false, false},
                   {"chance, median", "", false, true},
                   {"chance, 95 %", "", false, true},
                   {"p", "", false, false}};
  PermutationJson json = PermutationJson::array();
  for (std::size_t i = 0; i < days.size(); ++i) {
    options.tell(static_cast<double>(i), static_cast<double>(days.size()), days[i].session.name);
    const PermutationTest test = permutation_test(days[i].features, days[i].channels, days[i].labels, view.protocol(),
                                                  options.permutations, static_cast<std::uint64_t>(view.settings.seed));
    std::vector<double> good = test.chance;
    std::erase_if(good, [](double v) { return !std::isfinite(v); });
    const auto quantile = [&](double p) {
      return good.empty() ? std::nan("") : linalg::quantile(good, p, linalg::QuantileRule::linear);
    };
    table.rows.push_back({days[i].session.name, report::number(test.value, 4), report::number(quantile(0.5), 4),
                          report::number(quantile(0.95), 4), text::significant(test.p, 3)});
    look.section.figures.push_back(chance_figure(days[i].session.name, test));
    json.push_back({{"session", days[i].session.name}, {"r2", test.value}, {"p", test.p}, {"chance", test.chance}});
  }
  look.section.tables = {std::move(table)};
  look.files = {{"permutation.json", io::json_text(json, 2) + "\n"},
                {"permutation.csv", report::csv(look.section.tables[0])}};
  return look;
}

}  // namespace thimble::fenet
