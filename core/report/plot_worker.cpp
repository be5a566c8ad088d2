#include "core/base/error.h"
#include "core/report/plotter.h"
#include "core/report/progress.h"

#include <algorithm>
#include <utility>

namespace thimble::report {
namespace {}  // namespace

PlotWorker::PlotWorker(double share, Clock clock)
    : share_(share), clock_(clock ? std::move(clock) : Clock(steady_seconds)), start_(clock_()) {
  THIMBLE_CHECK(share >= 0, value, "plots.budget is ", share, ", expected a share of the time >= 0");
  thread_ = std::thread([this] { work(); });
}

PlotWorker::~PlotWorker() {
  {
    const std::lock_guard<std::mutex> hold(lock_);
    closing_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

bool PlotWorker::submit(std::function<void(Plotter&)> work, bool always) {
  const std::lock_guard<std::mutex> hold(lock_);
  // what waits will cost about as much as the longest set so far
  const double waiting = static_cast<double>(queue_.size() + (busy_ ? 1 : 0)) * longest_;
  if (!always && spent_ + waiting + longest_ > share_ * (clock_() - start_)) {
    ++skipped_;
    return false;
  }
  queue_.push_back(std::move(work));
  wake_.notify_one();
  return true;
}

void PlotWorker::work() {
  std::unique_lock<std::mutex> hold(lock_);
  for (;;) {
    wake_.wait(hold, [this] { return closing_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const std::function<void(Plotter&)> set = std::move(queue_.front());
    queue_.pop_front();
    busy_ = true;
    hold.unlock();
    const double begin = clock_();
    std::string trouble;
    try {
      set(Plotter::shared());
    } catch (const std::exception& error) {
      trouble = error.what();
    }
    const double seconds = clock_() - begin;
    hold.lock();
    busy_ = false;
    ++drawn_;
    spent_ += seconds;
    longest_ = std::max(longest_, seconds);
    const bool known = std::find(warnings_.begin(), warnings_.end(), trouble) != warnings_.end();
    if (!trouble.empty() && !known) warnings_.push_back(trouble);
    if (queue_.empty()) idle_.notify_all();
  }
}

void PlotWorker::finish() {
  std::unique_lock<std::mutex> hold(lock_);
  idle_.wait(hold, [this] { return queue_.empty() && !busy_; });
}

long PlotWorker::drawn() const {
  const std::lock_guard<std::mutex> hold(lock_);
  return drawn_;
}

long PlotWorker::skipped() const {
  const std::lock_guard<std::mutex> hold(lock_);
  return skipped_;
}

double PlotWorker::seconds() const {
  const std::lock_guard<std::mutex> hold(lock_);
  return spent_;
}

std::vector<std::string> PlotWorker::take_warnings() {
  const std::lock_guard<std::mutex> hold(lock_);
  return std::exchange(warnings_, {});
}

}  // namespace thimble::report
