#include "core/base/error.h"
#include "core/io/file.h"
#include "core/report/figure_data.h"
#include "core/report/gnuplot.h"
#include "core/report/plotter.h"
#include "core/report/ticks.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "report_sample.h"
#include "tests/support/temp_folder.h"

using namespace thimble;
using namespace thimble::report;

namespace {

namespace fs = std::filesystem;
constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

/// One gnuplot for all cases; false (with a message) when there is none.
bool have_gnuplot() {
  if (Plotter::shared().available()) return true;
  MESSAGE("skipped: gnuplot is not installed");
  return false;
}

Figure simple_figure() {
  Figure figure;
  figure.name = "simple";
  figure.title = "Simple";
  figure.x = {"x", "cm", {}, {}, false};
  figure.y = {"y", "", {}, {}, false};
  figure.series.push_back({Mark::line, "line", {0, 1, 2}, {1, 3, 2}, {}, {}, "", -1, false});
  return figure;
}

std::vector<std::string> labels(const std::vector<Tick>& ticks) {
  std::vector<std::string> out;
  for (const Tick& t : ticks) {
    if (!t.label.empty()) out.push_back(t.label);
  }
  return out;
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("a reduced curve keeps its ends, its extremes and its order") {
  Series series;
  for (int i = 0; i < 100000; ++i) {
    series.x.push_back(i);
    series.y.push_back(std::sin(i * 0.01));
  }
  series.y[54321] = 50;
  series.y[77777] = -50;
  const Series small = reduced(series, 1000);
  CHECK(small.x.size() <= 1000);
  CHECK(small.x.size() > 700);
  CHECK(small.x.front() == 0);
  CHECK(small.x.back() == 99999);
  CHECK(*std::max_element(small.y.begin(), small.y.end()) == 50);
  CHECK(*std::min_element(small.y.begin(), small.y.end()) == -50);
  CHECK(std::is_sorted(small.x.begin(), small.x.end()));
  CHECK(reduced(simple_figure().series[0], 1000).x == std::vector<double>{0, 1, 2});
}

TEST_CASE("axis marks are round and readable") {
  CHECK(labels(linear_ticks(-40, 40, 8)) == Words{"−40", "−30", "−20", "−10", "0", "10", "20", "30", "40"});
  CHECK(labels(linear_ticks(0, 1.05, 6)) == Words{"0", "0.2", "0.4", "0.6", "0.8", "1.0"});
  CHECK(labels(linear_ticks(0, 2.2e6, 4)) == Words{"0", "1×10⁶", "2×10⁶"});
  CHECK(labels(log_ticks(0.5, 2000, 7)) == Words{"1", "10", "100", "1000"});
  CHECK(labels(log_ticks(0.011, 0.3, 7)) == Words{"0.02", "0.05", "0.1", "0.2"});
  CHECK(labels(log_ticks(0.015, 0.019, 5)) == Words{"0.015", "0.016", "0.017", "0.018", "0.019"});
  CHECK(labels(log_ticks(1e-9, 1e6, 5)) == Words{"10⁻⁸", "0.0001", "1", "10000"});
}

TEST_CASE("file names are plain words") {
  CHECK(file_stem("Z plot: old/new") == "z-plot-old-new");
  CHECK(file_stem("../../etc/passwd") == "etc-passwd");
  CHECK(file_stem("--help") == "help");
  CHECK(file_stem("σ") == "figure");
  CHECK(file_stem(std::string(500, 'a')).size() == 64);
}

TEST_CASE("boxes hold quartiles, whiskers and outliers") {
  const Box box = box_of("b", std::vector<double>{1, 2, 3, 4, 5, 100});
  CHECK(box.median == 3.5);
  CHECK(box.first_quartile == 2.25);
  CHECK(box.third_quartile == 4.75);
  CHECK(box.low == 1);
  CHECK(box.high == 5);
  CHECK(box.outliers == std::vector<double>{100});
}

TEST_CASE("ranges never collapse, whatever the data") {
  for (const bool log : {false, true}) {
    for (const auto& y : {std::vector<double>{}, {kMissing, kMissing}, {0, 0}, {-1, -2}, {5}, {1e300, -1e300}}) {
      Figure figure = simple_figure();
      figure.y.log = log;
      figure.series[0].x.assign(y.size(), 1);
      figure.series[0].y = y;
      const linalg::Range range = y_range(figure);
      CHECK(range.low < range.high);
      CHECK((!log || range.low > 0));
      CHECK(x_range(figure).low < x_range(figure).high);
    }
  }
}

TEST_CASE("every kind of figure is drawn as SVG and PNG, and kept with data and script [NT F24]") {
  if (!have_gnuplot()) return;
  const test::TempFolder folder;
  for (const FigureGroup& group : test::sample_report().figures) {
    for (const Figure& figure : group.figures) {
      CAPTURE(figure.name);
      const std::string svg = Plotter::shared().svg(figure);
      CHECK(svg.find("</svg>") != std::string::npos);
      const std::string png = Plotter::shared().png(figure);
      CHECK(png.substr(1, 3) == "PNG");
      const std::string stem = Plotter::shared().save(figure, folder.path());
      for (const char* end : {".svg", ".csv", ".gp"}) CHECK(fs::file_size(folder / (stem + end)) > 100);
    }
  }
}

TEST_CASE("points carry colours of their own and a colour bar keeps the ends it was given [FN F26]") {
  CHECK(packed_colour(1, 0.5, 0) == double{0xff8000});
  Figure figure;
  figure.name = "coloured";
  Series points;
  points.mark = Mark::points;
  points.x = points.y = {0, 1};
  points.colours = {packed_colour(1, 0, 0), packed_colour(0, 1, 2)};
  figure.series.push_back(points);
  Grid grid;
  grid.columns = grid.rows = 1;
  grid.values = {0.2};
  grid.colours = linalg::Range{0, 0.7};
  CHECK(colour_range(grid).low == 0);
  CHECK(colour_range(grid).high == 0.7);
  if (!have_gnuplot()) return;
  const std::string svg = Plotter::shared().svg(figure);
  CHECK((svg.find("rgb(255, 0, 0)") != std::string::npos || svg.find("rgb(255,   0,   0)") != std::string::npos));
  CHECK((svg.find("rgb(0, 255, 255)") != std::string::npos || svg.find("rgb(  0, 255, 255)") != std::string::npos));
}

TEST_CASE("names stand at an axis in place of numbers, words stand inside the figure") {
  Figure figure;
  figure.name = "named";
  figure.x.names = {{0, "tanh/2"}, {1, "50 %"}};
  figure.labels = {{0.5, 2, "it's here"}};
  Series series;
  series.mark = Mark::points;
  series.x = {0, 1};
  series.y = {1, 3};
  figure.series = {series};
  if (!have_gnuplot()) return;
  const std::string svg = Plotter::shared().svg(figure);
  for (const char* text : {"tanh/2", "50 %", "s here"}) CHECK_MESSAGE(svg.find(text) != std::string::npos, text);
}

TEST_CASE("a kept script draws its figure again from the kept table") {
  if (!have_gnuplot()) return;
  for (const FigureGroup& group : test::sample_report().figures) {
    for (const Figure& figure : group.figures) {
      CAPTURE(figure.name);
      Gnuplot child;
      const std::string stem = Plotter::shared().save(figure, child.folder());
      const std::string first = io::read_file(child.folder() / (stem + ".svg"));
      fs::remove(child.folder() / (stem + ".svg"));
      child.run("load '" + stem + ".gp'");
      const std::string again = io::read_file(child.folder() / (stem + ".svg"));
      CHECK(again.size() > 0.9 * static_cast<double>(first.size()));
    }
  }
}

TEST_CASE("empty, single and NaN data still make a figure") {
  if (!have_gnuplot()) return;
  for (const Mark mark : {Mark::line, Mark::points, Mark::line_points, Mark::histogram, Mark::error_bars, Mark::band}) {
    for (const auto& y :
         {std::vector<double>{}, {kMissing, kMissing}, {0}, {1, std::numeric_limits<double>::infinity(), 2}}) {
      Figure figure = simple_figure();
      figure.series[0] = {mark, "s", std::vector<double>(y.size(), 1), y, y, y, "n 0", -1, false};
      CHECK_NOTHROW(Plotter::shared().svg(figure));
      figure.y.log = true;
      CHECK_NOTHROW(Plotter::shared().svg(figure));
    }
  }
  Figure map = simple_figure();
  map.series.clear();
  map.grid = histogram_grid(linalg::histogram_2d(std::vector<double>{}, std::vector<double>{}, 4, 3));
  CHECK_NOTHROW(Plotter::shared().svg(map));
  map.grid->values.pop_back();
  CHECK_THROWS_AS(Plotter::shared().svg(map), Error);
}

TEST_CASE("the child survives a bad drawing, and is restarted after its death") {
  if (!have_gnuplot()) return;
  Gnuplot child;
  CHECK_THROWS_AS(child.run("plot nonsense("), Error);
  CHECK_NOTHROW(child.run("x = 1"));
  CHECK_THROWS_AS(child.run("exit"), Error);
  CHECK_NOTHROW(child.run("x = 2"));
  CHECK_THROWS_AS(child.run("pause 5", std::chrono::milliseconds(100)), Error);
  CHECK_NOTHROW(child.run("x = 3"));
}

TEST_CASE("without gnuplot the data is kept, and the lack is told once") {
  Plotter plotter("/nonexistent/gnuplot");
  CHECK_FALSE(plotter.available());
  CHECK(plotter.missing_notice().find("gnuplot-nox") != std::string::npos);
  CHECK(plotter.missing_notice().empty());
  CHECK_THROWS_AS(plotter.svg(simple_figure()), Error);
  const test::TempFolder folder;
  CHECK(plotter.save(simple_figure(), folder.path()) == "simple");
  CHECK(io::read_file(folder / "simple.csv") ==
        "series,x,y,low,high,name\n0,0,1,,,\"line\"\n0,1,3,,,\"line\"\n0,2,2,,,\"line\"\n");
  CHECK(fs::exists(folder / "simple.gp"));
  CHECK_FALSE(fs::exists(folder / "simple.svg"));
}

TEST_CASE("drawing stays within its share of the time, the first and last set always [NT F24]") {
  double now = 0;
  PlotWorker worker(0.05, [&now] { return now; });
  const auto second = [&now](Plotter&) { now += 1; };
  CHECK(worker.submit(second, true));  // first: always
  worker.finish();
  now = 10;
  CHECK_FALSE(worker.submit(second));  // 1 s spent, 1 s more would be 20 % of 10 s
  CHECK(worker.skipped() == 1);
  now = 41;
  CHECK(worker.submit(second));  // 2 s of 41 s
  worker.finish();
  now = 42;
  CHECK(worker.submit(second, true));  // last: always
  worker.finish();
  CHECK(worker.drawn() == 3);
  CHECK(worker.seconds() == 3);
  worker.submit([](Plotter&) { fail(ErrorKind::tool, "broken"); }, true);
  worker.submit([](Plotter&) { fail(ErrorKind::tool, "broken"); }, true);
  worker.finish();
  CHECK(worker.take_warnings() == Words{"broken"});
}
