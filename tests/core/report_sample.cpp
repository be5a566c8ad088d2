#include "report_sample.h"

#include "core/base/text.h"
#include "core/random/philox.h"

#include <cmath>

namespace thimble::test {
namespace {

using namespace thimble::report;

struct Tracks {
  std::vector<double> truth, before, after;
};

/// z of tracks from the interaction point and from along the beam line, as seen by a poor and a better network.
Tracks tracks(std::size_t count) {
  const Stream stream = Rng(7).stream("sample");
  Tracks t;
  for (std::size_t i = 0; i < count; ++i) {
    const bool signal = stream.uniform64(0, i) < 0.45;
    const double z = signal ? 0.5 * stream.normal(1, i) : -60 + 150 * stream.uniform64(2, i);
    t.truth.push_back(z);
    t.before.push_back(z - 0.08 * std::abs(z) + (7 + 0.08 * std::abs(z)) * stream.normal(3, i));
    t.after.push_back(z + (5 + 0.04 * std::abs(z)) * stream.normal(4, i));
  }
  return t;
}

Figure loss_figure() {
  Figure figure;
  figure.name = "loss";
  figure.title = "Loss of the five experts";
  figure.caption =
      "Validation loss (strong) and training loss (pale) per expert; lower is better, flat means converged.";
  figure.x = {"epoch", "", {}, {}, false};
  figure.y = {"mean squared error", "", {}, {}, true};
  const Stream stream = Rng(8).stream("loss");
  for (int expert = 0; expert < 5; ++expert) {
    Series val, train;
    val.name = text::cat("expert ", expert);
    val.style = train.style = expert;
    train.secondary = true;
    for (int epoch = 0; epoch < 1000; ++epoch) {
      const double falling = 0.012 * (1 + 0.5 * expert) + 0.3 * std::exp(-epoch / (20.0 + 12 * expert));
      const auto at = static_cast<std::uint64_t>(expert * 1000 + epoch);
      train.x.push_back(epoch);
      train.y.push_back(falling * (0.93 + 0.03 * stream.normal(1, at)));
      val.x.push_back(epoch);
      val.y.push_back(falling * (1 + 0.05 * stream.normal(0, at)));
    }
    figure.series.push_back(std::move(train));
    figure.series.push_back(std::move(val));
  }
  return figure;
}

Figure scatter_figure(const Tracks& t, const std::vector<double>& z, const char* name, const char* title) {
  Figure figure;
  figure.name = name;
  figure.title = title;
  figure.caption =
      "Each cell counts tracks. A perfect network lies on the diagonal; cells below it right of 0 are feed-down.";
  figure.x = {"reconstructed z", "cm", -100, 100, false};
  figure.y = {"network z", "cm", -100, 100, false};
  figure.square = true;
  figure.grid = histogram_grid(linalg::histogram_2d(t.truth, z, 200, 200));
  figure.grid->label = "tracks per bin";
  using linalg::Divisor;
  figure.notes = {
      "reconstructed:  " +
          statistics_text(z.size(), linalg::mean(t.truth), linalg::standard_deviation(t.truth, Divisor::n), "cm"),
      "network:  " + statistics_text(z.size(), linalg::mean(z), linalg::standard_deviation(z, Divisor::n), "cm")};
  return figure;
}

std::vector<double> differences(const Tracks& t, const std::vector<double>& z) {
  std::vector<double> out;
  for (std::size_t i = 0; i < z.size(); ++i) out.push_back(t.truth[i] - z[i]);
  return out;
}

Figure difference_figure(const Tracks& t) {
  Figure figure;
  figure.name = "z-diff";
  figure.title = "Error in z, before and after";
  figure.caption = "Reconstructed minus network z. Narrower and centred at 0 is better; σt leaves out 5 % at each end.";
  figure.x = {"reconstructed − network z", "cm", -40, 40, false};
  figure.y = {"tracks per bin", "", {}, {}, false};
  const auto add = [&](const char* name, const std::vector<double>& d) {
    const std::string line =
        statistics_text(d.size(), linalg::mean(d), linalg::standard_deviation(d, linalg::Divisor::n), "") + " · σt " +
        text::fixed(linalg::trimmed_standard_deviation(d), 2) + " cm";
    figure.series.push_back(histogram_series(name, linalg::histogram(d, 100, linalg::Range{-40, 40}), line));
  };
  add("old network", differences(t, t.before));
  add("new network", differences(t, t.after));
  return figure;
}

Figure distribution_figure(const Tracks& t) {
  Figure figure;
  figure.name = "z-hist";
  figure.title = "Distribution of z";
  figure.caption = "The peak at 0 is what the trigger wants to keep, the flat part is background.";
  figure.x = {"z", "cm", {}, {}, false};
  figure.y = {"tracks per bin", "", {}, {}, true};
  figure.series = {histogram_series("old network", linalg::histogram(t.before, 100)),
                   histogram_series("new network", linalg::histogram(t.after, 100))};
  return figure;
}

Figure sigma_figure(const Tracks& t) {
  Figure figure;
  figure.name = "z-std";
  figure.title = "Resolution along the beam";
  figure.caption = "Trimmed deviation of the error in slices of 5 cm, with 95 % bootstrap bands.";
  figure.x = {"reconstructed z", "cm", -75, 75, false};
  figure.y = {"σz", "cm", {}, {}, false};
  int style = 0;
  for (const auto* z : {&t.before, &t.after}) {
    Series s;
    s.mark = Mark::band;
    s.style = style++;
    s.name = s.style == 0 ? "old network" : "new network";
    for (double at = -55; at < 75; at += 5) {
      std::vector<double> slice;
      for (std::size_t i = 0; i < z->size(); ++i) {
        if (std::abs(t.truth[i] - at) < 2.5) slice.push_back(t.truth[i] - (*z)[i]);
      }
      const auto spread = [](std::span<const double> v) { return linalg::trimmed_standard_deviation(v); };
      const linalg::Interval band = linalg::bootstrap_interval(slice, spread, 0.95, 50);
      s.x.push_back(at);
      s.y.push_back(spread(slice));
      s.low.push_back(band.low);
      s.high.push_back(band.high);
    }
    figure.series.push_back(std::move(s));
  }
  return figure;
}

Figure efficiency_figure(const Tracks& t) {
  Figure figure;
  figure.name = "efficiency";
  figure.title = "Signal kept against background rejected";
  figure.caption = "One point per cut on |z|. Up and to the right is better; the mark is the cut of 15 cm.";
  figure.x = {"background rejected (|z| > 20 cm)", "%", 0, 100, false};
  figure.y = {"signal kept (|z| < 1 cm)", "%", 0, 105, false};
  for (const auto* z : {&t.before, &t.after}) {
    Series s;
    s.mark = Mark::line_points;
    s.name = z == &t.before ? "old network" : "new network";
    for (double limit = 1; limit <= 40; limit += 2) {
      double kept = 0, signal = 0, rejected = 0, background = 0;
      for (std::size_t i = 0; i < z->size(); ++i) {
        const bool pass = std::abs((*z)[i]) < limit;
        if (std::abs(t.truth[i]) < 1) {
          ++signal;
          kept += pass ? 1 : 0;
        } else if (std::abs(t.truth[i]) > 20) {
          ++background;
          rejected += pass ? 0 : 1;
        }
      }
      s.x.push_back(100 * rejected / background);
      s.y.push_back(100 * kept / signal);
    }
    figure.series.push_back(std::move(s));
  }
  figure.rules = {{false, 95, "95 %"}, {true, 70, "cut at 15 cm"}};
  return figure;
}

Figure box_figure() {
  Figure figure;
  figure.name = "ranges";
  figure.title = "Ranges of the layers";
  figure.caption = "Boxes hold half of the values of a layer, whiskers 1.5 box heights, circles are outliers.";
  figure.x = {"layer", "", {}, {}, false};
  figure.y = {"value", "", {}, {}, false};
  const Stream stream = Rng(9).stream("boxes");
  for (int layer = 0; layer < 4; ++layer) {
    std::vector<double> values;
    for (std::uint64_t i = 0; i < 300; ++i) {
      values.push_back((1 + layer) * stream.normal(static_cast<std::uint64_t>(layer), i));
    }
    constexpr const char* names[] = {"input", "hidden", "table", "output"};
    figure.boxes.push_back(box_of(names[layer], values));
  }
  return figure;
}

Figure points_figure() {
  Figure figure;
  figure.name = "widths";
  figure.title = "Resolution against number format";
  figure.caption = "Each point is a trained network with error bars of three seeds. Left is cheaper, down is better.";
  figure.x = {"weight bits", "", {}, {}, false};
  figure.y = {"σz", "cm", {}, {}, false};
  for (int style = 0; style < 3; ++style) {
    Series s;
    s.mark = Mark::error_bars;
    s.name = text::cat(8 + 4 * style, " activation bits");
    for (int bits = 4; bits <= 18; bits += 2) {
      const double value = 5.9 + 0.2 * (2 - style) + 6 * std::exp2(-(bits - 3) / 1.5);
      s.x.push_back(bits + 0.15 * style);
      s.y.push_back(value);
      s.low.push_back(value - 0.15);
      s.high.push_back(value + 0.15);
    }
    figure.series.push_back(std::move(s));
  }
  return figure;
}

Table result_table() {
  Table table;
  table.title = "Result per expert";
  table.columns = {{"expert", "", true, false},     {"tracks", "", false, false},     {"loss", "", false, false},
                   {"σz", "cm", false, false},      {"σz before", "cm", false, true}, {"σθ", "°", false, false},
                   {"best epoch", "", false, false}};
  const double sigma[] = {5.92, 7.84, 7.31, 8.02, 12.4}, before[] = {7.31, 9.6, 9.1, 9.9, 15.2};
  for (int e = 0; e < 5; ++e) {
    table.rows.push_back({text::cat(e), text::grouped(56789 / (e + 1)), number(0.0158 * (1 + 0.4 * e), 4),
                          number(sigma[e], 2, 0.08 * (e + 1), e == 0), number(before[e], 2), number(6.1 + e, 2),
                          text::cat(298 + 31 * e)});
  }
  table.rows.push_back(
      {"mean", "25,934", number(0.0284, 4), number(8.3, 2, 0.1), number(10.22, 2), number(8.1, 2), ""});
  table.last_is_total = true;
  table.note = "σ: trimmed deviation (5 % at each end) of the validation tracks; intervals: 95 % bootstrap.";
  return table;
}

}  // namespace

report::Report sample_report() {
  const Tracks t = tracks(20000);
  Report r;
  r.app = "thimble-neurotrigger";
  r.name = "baseline_v2";
  r.version = "version 3";
  r.seconds = 17.4;
  r.sentence = "σz 5.92 cm against 7.31 cm before: 19 % better for expert 0.";
  r.next = {
      {"export", "thimble-neurotrigger export runs/neurotrigger/baseline_v2/version_3"},
      {"verify", "thimble-hw verify runs/neurotrigger/baseline_v2/version_3/hw"},
      {"compare",
       "thimble-neurotrigger compare runs/neurotrigger/baseline_v2/version_2 runs/neurotrigger/baseline_v2/version_3"}};
  r.results = {result_table()};
  r.warnings = {"expert 4 has only 324 validation tracks: its interval is wide",
                "plots: 37 of 100 sets skipped to stay within plots.budget 5 %"};
  r.figures = {
      {"",
       {loss_figure(), difference_figure(t), sigma_figure(t), efficiency_figure(t), distribution_figure(t),
        points_figure()},
       false},
      {"z against z",
       {scatter_figure(t, t.before, "z-plot-old", "Old network"), scatter_figure(t, t.after, "z-plot", "New network")},
       false},
      {"More", {box_figure()}, true}};
  r.hardware.facts = {{"input format", "fixed<13,1> (12 fraction bits)"},
                      {"weights", "17 bits, 12 fraction bits"},
                      {"cycles", "22 (173 ns at 127.2 MHz)"},
                      {"LUT / FF", "41,203 / 18,774"},
                      {"proof", "0 mismatches of 10,000 (interpreter, C, Verilator)"}};
  r.settings = {{"train.epochs", "1000", "100", "baseline_v2.yaml:7"},
                {"optim.lr", "0.001", "0.001", "default"},
                {"model.hidden", "81", "64", "command line"},
                {"data.batch", "2048", "2048", "default"}};
  r.provenance = {{"version", "0.1.0"},
                  {"git", "3b2d05a (clean)"},
                  {"machine", "2 threads, AVX-512"},
                  {"seed", "1"},
                  {"input", "tracks.csv.gz  xxh3 9f86d081884c7d65"},
                  {"command", "thimble-neurotrigger train configs/neurotrigger/baseline_v2.yaml --threads 2"}};
  return r;
}

}  // namespace thimble::test
