#include "core/report/progress.h"

#include <algorithm>
#include <cmath>

namespace thimble::report {

void EtaClock::start(double now, double done) {
  begin_ = last_ = now;
  done_ = done;
  work_ = time_ = 0;
}

void EtaClock::update(double now, double done) {
  const double passed = now - last_;
  if (passed <= 0) return;
  const double keep = std::exp(-passed / constant_);
  work_ = work_ * keep + (done - done_);
  time_ = time_ * keep + passed;
  last_ = now;
  done_ = done;
}

double EtaClock::rate() const {
  return time_ > 0 && work_ > 0 ? work_ / time_ : 0;
}

double EtaClock::remaining(double now, double total) const {
  const double speed = rate();
  if (speed <= 0) return -1;
  return std::max(0.0, (total - done_) / speed - (now - last_));
}

}  // namespace thimble::report
