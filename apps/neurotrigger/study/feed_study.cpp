#include "apps/neurotrigger/study/feed_study.h"

#include "core/base/error.h"
#include "core/io/json.h"
#include "core/linalg/stats.h"

#include "nn/data/plan.h"

#include "apps/neurotrigger/data/scaling.h"
#include "apps/neurotrigger/look/figure_parts.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace thimble::neurotrigger {
namespace {

using FeedJson = nlohmann::ordered_json;

constexpr std::int64_t kBuckets = 11;
constexpr double kTailCm = 10.0, kFarTailCm = 20.0, kFeedCutCm = 15.0;

std::size_t bucket_at(double cm, std::int64_t buckets) {
  return static_cast<std::size_t>(nn::bucket_of(std::clamp(scale_z(cm), -1.0, 1.0), buckets));
}

template <class Test>
Maybe share_where(const std::vector<std::pair<double, double>>& rows, const Test& test) {
  if (rows.empty()) return {};
  const auto hits = std::count_if(rows.begin(), rows.end(), [&](const auto& r) { return test(r.first, r.second); });
  return static_cast<double>(hits) / static_cast<double>(rows.size());
}

/// Rows: reco z, network z.
void measure(FeedBucket& b, const std::vector<std::pair<double, double>>& rows) {
  b.tracks = static_cast<std::int64_t>(rows.size());
  if (rows.empty()) return;
  std::vector<double> difference;
  for (const auto& [reco, network] : rows) difference.push_back(reco - network);
  b.mean_cm = linalg::mean(difference);
  b.trimmed_cm = linalg::trimmed_standard_deviation(difference);
  const auto inwards = [](double reco, double network) { return reco >= 0 ? reco - network : network - reco; };
  b.towards_10cm = share_where(rows, [&](double r, double n) { return inwards(r, n) > kTailCm; });
  b.away_10cm = share_where(rows, [&](double r, double n) { return inwards(r, n) < -kTailCm; });
  b.beyond_20cm = share_where(rows, [](double r, double n) { return std::abs(r - n) > kFarTailCm; });
  b.inside_cut = share_where(rows, [](double, double n) { return std::abs(n) < kFeedCutCm; });
}

std::string bucket_name(const FeedBucket& b) {
  return text::cat(text::fixed(b.low_cm, 0), " to ", text::fixed(b.high_cm, 0));
}

report::Table bucket_table(const std::vector<FeedBucket>& buckets) {
  report::Table table;
  table.title = "Error by origin of the track";
  table.note =
      "mean: of reco z - network z; spread: 5 % dropped at each end; towards and away: put more than 10 cm closer to "
      "or "
      "further from z = 0; beyond: |difference| > 20 cm; inside: |network z| < 15 cm";
  table.columns = {{"reco z [cm]", "", true, false},    {"tracks", "", false, false},
                   {"mean", "cm", false, false},        {"spread", "cm", false, false},
                   {"towards 0", "%", false, false},    {"away", "%", false, false},
                   {"beyond 20 cm", "%", false, false}, {"inside the cut", "%", false, false}};
  for (const FeedBucket& b : buckets)
    table.rows.push_back({bucket_name(b), report::number(static_cast<double>(b.tracks), 0), maybe_cell(b.mean_cm, 2),
                          maybe_cell(b.trimmed_cm, 2), maybe_cell(b.towards_10cm, 1, 100),
                          maybe_cell(b.away_10cm, 1, 100), maybe_cell(b.beyond_20cm, 1, 100),
                          maybe_cell(b.inside_cut, 1, 100)});
  return table;
}

std::string migration_csv(const std::vector<FeedBucket>& buckets) {
  std::string out = "reco_z_cm\\network_z_cm";
  for (const FeedBucket& b : buckets) out += "," + bucket_name(b);
  out += '\n';
  for (const FeedBucket& b : buckets) {
    out += bucket_name(b);
    for (const std::int64_t n : b.network) out += text::cat(',', n);
    out += '\n';
  }
  return out;
}

report::Figure migration_figure(const std::vector<FeedBucket>& buckets) {
  report::Figure f = plain_figure(
      "feed-migration", "Where the network puts the tracks of each bucket",
      "Columns are buckets of reco z, each adding up to 100 %: a perfect network fills the diagonal. What lies in the "
      "middle rows left and right of the centre is background that a cut on |z| takes for collisions.",
      figure_axis("reco z", "cm", kZLow, kZHigh), figure_axis("z of the network", "cm", kZLow, kZHigh));
  f.square = true;
  report::Grid grid;
  grid.x = grid.y = {kZLow, kZHigh};
  grid.columns = grid.rows = buckets.size();
  grid.label = "% of the column";
  grid.values.assign(buckets.size() * buckets.size(), std::numeric_limits<double>::quiet_NaN());
  for (std::size_t x = 0; x < buckets.size(); ++x)
    for (std::size_t y = 0; y < buckets.size(); ++y)
      if (buckets[x].network[y] > 0)
        grid.values[y * buckets.size() + x] =
            100.0 * static_cast<double>(buckets[x].network[y]) / static_cast<double>(buckets[x].tracks);
  f.grid = std::move(grid);
  return f;
}

report::Series mean_series(const std::string& name, const std::vector<FeedBucket>& buckets) {
  report::Series s = line_series(name, {}, {});
  s.mark = report::Mark::line_points;
  for (const FeedBucket& b : buckets)
    if (b.mean_cm) s.x.push_back((b.low_cm + b.high_cm) / 2), s.y.push_back(*b.mean_cm);
  return s;
}

FeedJson feed_json(Maybe value) {
  return value ? FeedJson(*value) : FeedJson(nullptr);
}

FeedJson feed_json(const std::vector<FeedBucket>& buckets) {
  FeedJson out = FeedJson::array();
  for (const FeedBucket& b : buckets)
    out.push_back({{"low_cm", b.low_cm},
                   {"high_cm", b.high_cm},
                   {"tracks", b.tracks},
                   {"mean_cm", feed_json(b.mean_cm)},
                   {"trimmed_std_cm", feed_json(b.trimmed_cm)},
                   {"towards_10cm", feed_json(b.towards_10cm)},
                   {"away_10cm", feed_json(b.away_10cm)},
                   {"beyond_20cm", feed_json(b.beyond_20cm)},
                   {"inside_15cm", feed_json(b.inside_cut)},
                   {"network", b.network}});
  return out;
}

std::string feed_sentence(const std::string& name, const TriggerNumbers& t) {
  std::string out = text::cat("With ", name, " the error (reco z - network z) of tracks with reco z > 15 cm is ");
  out += t.feed_down_cm ? text::cat(text::fixed(*t.feed_down_cm, 2), " cm in the mean (feed-down)") : "not known";
  if (t.feed_up_cm)
    out += text::cat(", of tracks with reco z < -15 cm ", text::fixed(*t.feed_up_cm, 2), " cm (feed-up)");
  if (t.far_kept_plus)
    out += text::cat("; ", text::fixed(100 * *t.far_kept_plus, 1),
                     " % of the tracks from beyond +20 cm end up inside |z| < 15 cm");
  return out + ".";
}

}  // namespace

std::vector<FeedBucket> feed_buckets(const std::vector<double>& reco, const std::vector<double>& network,
                                     std::int64_t buckets) {
  THIMBLE_CHECK(reco.size() == network.size() && buckets > 0, shape, "feed_buckets: ", reco.size(), " and ",
                network.size(), " rows in ", buckets, " buckets");
  const auto n = static_cast<std::size_t>(buckets);
  std::vector<FeedBucket> out(n);
  std::vector<std::vector<std::pair<double, double>>> rows(n);
  const double width = (kZHigh - kZLow) / static_cast<double>(buckets);
  for (std::size_t b = 0; b < n; ++b) {
    out[b].low_cm = kZLow + width * static_cast<double>(b);
    out[b].high_cm = b + 1 == n ? kZHigh : kZLow + width * static_cast<double>(b + 1);
    out[b].network.assign(n, 0);
  }
  for (std::size_t i = 0; i < reco.size(); ++i) {
    const std::size_t b = bucket_at(reco[i], buckets);
    rows[b].emplace_back(reco[i], network[i]);
    ++out[b].network[bucket_at(network[i], buckets)];
  }
  for (std::size_t b = 0; b < n; ++b) measure(out[b], rows[b]);
  return out;
}

Study feed_study(const RunSettings& settings, const RunResult& run, const Splits& splits, Split split) {
  Study study;
  const Compared c = compared_of(run, splits, split);
  if (c.rows() == 0) return study;
  const std::int64_t count = settings.all.dist.n_buckets > 0 ? settings.all.dist.n_buckets : kBuckets;
  const std::vector<double> reco = physical_column(c.y);
  const std::vector<FeedBucket> buckets = feed_buckets(reco, physical_column(c.y_hat), count);
  const std::vector<FeedBucket> old =
      c.has_old ? feed_buckets(reco, physical_column(c.y_old), count) : std::vector<FeedBucket>();
  study.section.heading = text::cat("Feed-down, ", name_of(split), " tracks");
  study.section.text = {feed_sentence("this training", trigger_numbers(c))};
  if (c.has_old)
    study.section.text.push_back(
        feed_sentence("the old network", trigger_numbers(reco, physical_column(c.y_old), TriggerRegions{})));
  study.section.text.emplace_back(
      "Where the mean rises with z the network pulls far tracks towards the collision point: it saves squared error "
      "where "
      "it is unsure, at the price of background inside the cut. Training with dist=, which shows rare z more often, "
      "flattens the line and usually widens the resolution near 0.");
  study.section.tables = {bucket_table(buckets)};
  report::Figure mean =
      plain_figure("feed-mean", "Mean error by origin of the track",
                   "A flat line at 0 would be a network without pull; above 0 on the right and below "
                   "on the left is pull towards the collision point.",
                   figure_axis("reco z", "cm", kZLow, kZHigh), figure_axis("mean of reco z - network z", "cm"));
  mean.series.push_back(mean_series("network", buckets));
  if (!old.empty()) mean.series.push_back(mean_series("old network", old));
  study.section.figures = {std::move(mean), migration_figure(buckets)};
  FeedJson json = {{"split", name_of(split)}, {"buckets", feed_json(buckets)}};
  if (!old.empty()) json["old_buckets"] = feed_json(old);
  study.files = {{"feed_down.json", io::json_text(json, 2) + "\n"},
                 {"feed_down.csv", report::csv(study.section.tables[0])},
                 {"migration.csv", migration_csv(buckets)}};
  if (!old.empty()) study.files.emplace_back("migration_old.csv", migration_csv(old));
  return study;
}

}  // namespace thimble::neurotrigger
