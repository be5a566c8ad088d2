#include "core/base/text.h"
#include "core/report/progress.h"

#include <algorithm>
#include <cmath>
#include <mutex>

namespace thimble::report {
namespace {

constexpr double kPush = 0.05;  // seconds between texts: epochs of tiny networks end every few hundred microseconds

/// Sum and number of the finite values seen.
struct Average {
  double sum = 0;
  int count = 0;
  void add(double value) {
    if (!std::isfinite(value)) return;
    sum += value;
    ++count;
  }
  std::string str() const { return count == 0 ? "nan" : text::significant(sum / count, 3); }
};

/// Means over the members that run; over all that ran when none does.
struct Means {
  Average epoch, loss, val_loss, best;
  int started = 0, epochs = 0, best_epoch = -1;
  double done = 0, samples = 0;
};

double share_of(const TrainState& state) {
  return state.ended ? 1.0 : state.epochs > 0 ? std::min(1.0, static_cast<double>(state.epoch) / state.epochs) : 0.0;
}

std::string padded_epoch(int epoch, int epochs) {
  const std::string last = std::to_string(epochs), now = std::to_string(epoch);
  return std::string(last.size() > now.size() ? last.size() - now.size() : 0, ' ') + now + "/" + last;
}

}  // namespace

struct TrainProgress::Impl {
  Progress& progress;
  std::string group, unit;
  bool early_stop;
  std::mutex lock;
  std::vector<TrainState> states;
  EtaClock speed;
  double pushed = -1;

  Impl(Progress& shown, std::string group_name, int members, std::string counted, bool stops)
      : progress(shown),
        group(std::move(group_name)),
        unit(std::move(counted)),
        early_stop(stops),
        states(static_cast<std::size_t>(members)) {
    speed.start(shown.now(), 0);
    shown.begin("train", members);
  }

  Means means() const {
    Means m;
    const auto runs = [](const TrainState& s) { return s.epochs > 0 && !s.ended; };
    const bool any = std::any_of(states.begin(), states.end(), runs);
    for (const TrainState& s : states) {
      if (s.epochs == 0) continue;
      ++m.started;
      m.samples += s.samples;
      m.done += share_of(s);
      m.epochs = std::max(m.epochs, s.epochs);
      if (any && s.ended) continue;
      m.epoch.add(s.epoch);
      m.loss.add(s.loss);
      m.val_loss.add(s.val_loss);
      if (s.best_epoch >= 0) m.best.add(s.best);
      m.best_epoch = std::max(m.best_epoch, s.best_epoch);
    }
    return m;
  }

  std::vector<ProgressField> fields(const Means& m) const {
    std::vector<ProgressField> out;
    if (states.size() > 1) {
      out.push_back({Part::counter, group, std::to_string(m.started) + "/" + std::to_string(states.size()), {}, {}});
    }
    const int epoch = m.epoch.count == 0 ? 0 : static_cast<int>(m.epoch.sum / m.epoch.count);
    out.push_back({Part::counter,
                   "epoch",
                   std::to_string(epoch) + "/" + std::to_string(m.epochs),
                   {},
                   padded_epoch(epoch, m.epochs)});
    out.push_back({Part::loss, "loss", m.loss.str(), {}, {}});
    out.push_back({Part::loss, "val_loss", m.val_loss.str(), "val", {}});
    if (m.best_epoch >= 0) {
      const std::string at = "@" + std::to_string(m.best_epoch);
      out.push_back({Part::best, "best", m.best.str() + at, {}, m.best.str() + " " + at});
    }
    if (const double rate = speed.rate(); rate > 0) {
      const std::string prefixed = rate_text(rate);
      out.push_back({Part::rate, "rate", text::significant(rate, 3) + "/s", {}, prefixed + " " + unit + "/s"});
    }
    return out;
  }
};

TrainProgress::TrainProgress(Progress& progress, std::string group, int members, std::string unit, bool early_stop)
    : impl_(std::make_shared<Impl>(progress, std::move(group), members, std::move(unit), early_stop)) {}

void TrainProgress::report(int member, const TrainState& state) {
  const std::lock_guard<std::mutex> hold(impl_->lock);
  TrainState& known = impl_->states.at(static_cast<std::size_t>(member));
  if (known.epochs == 0 && !state.ended) impl_->progress.skip(share_of(state));
  known = state;
  const double now = impl_->progress.now();
  if (!state.ended && impl_->pushed >= 0 && now - impl_->pushed < kPush) return;
  impl_->pushed = now;
  const Means m = impl_->means();
  impl_->speed.update(now, m.samples);
  impl_->progress.update(m.done, impl_->fields(m), impl_->early_stop);
}

}  // namespace thimble::report
