#pragma once
// Draws figures with one gnuplot child per process and keeps their files.

#include "core/report/figure.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace thimble::report {

struct Size {
  int width, height;
};
/// Two of these stand side by side in a report.
inline constexpr Size kReportSize{560, 380};
inline constexpr Size kReportSquare{560, 480};
inline constexpr Size kImageSize{640, 520};

/// Thread safe; every call waits for its drawing.
class Plotter {
 public:
  explicit Plotter(std::string program = "gnuplot");
  ~Plotter();
  /// The one of this process.
  static Plotter& shared();

  /// False when gnuplot is not installed; then svg() and png() throw Error(tool), while save() still writes the data.
  bool available() const;
  /// The sentence to log once: empty when gnuplot is there or when the sentence was given before.
  std::string missing_notice();

  /// SVG text of a figure. With `titled` the title stands in the picture (a file of its own), else it is left to the
  /// page.
  std::string svg(const Figure& figure, bool titled = true, std::optional<Size> size = {});
  /// PNG bytes, white ground. `density` pixels stand for one point of `size`, letters and lines growing with them.
  std::string png(const Figure& figure, Size size = kImageSize, double density = 1.0);
  /// Writes folder/NAME.csv (long table "series,x,y,low,high,name"; of a heat map the matrix with the bin centres in
  /// the first row and column), NAME.gp that draws it again, and NAME.svg (NAME.png on demand) when gnuplot is there.
  /// The folder must exist. Returns NAME.
  std::string save(const Figure& figure, const std::filesystem::path& folder, bool with_png = false);
  /// Writes folder/NAME.csv as save() does and, when gnuplot is there, NAME.png alone. Returns NAME.
  std::string save_image(const Figure& figure, const std::filesystem::path& folder, Size size, double density);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Drawing during a run: one worker thread of low priority that may use at most `share` of the elapsed time
/// (plots.budget, 0.05; infinity draws all). Sets that do not fit are skipped and counted.
class PlotWorker {
 public:
  using Clock = std::function<double()>;  // seconds, monotonic
  explicit PlotWorker(double share = 0.05, Clock clock = {});
  ~PlotWorker();  // finishes what was accepted
  /// Hands over a set of drawings; false when it was skipped. `always`: the first and the last set of a run.
  /// The work runs later on the worker thread; what it throws is kept as a warning.
  bool submit(std::function<void(Plotter&)> work, bool always = false);
  /// Waits until everything accepted is drawn.
  void finish();
  long drawn() const;
  long skipped() const;
  double seconds() const;
  /// Messages of drawings that failed, each once; cleared by the call.
  std::vector<std::string> take_warnings();

 private:
  void work();
  double share_;
  Clock clock_;
  double start_;
  mutable std::mutex lock_;
  std::condition_variable wake_, idle_;
  std::deque<std::function<void(Plotter&)>> queue_;
  std::vector<std::string> warnings_;
  double spent_ = 0, longest_ = 0;
  long drawn_ = 0, skipped_ = 0;
  bool busy_ = false, closing_ = false;
  std::thread thread_;
};

}  // namespace thimble::report
