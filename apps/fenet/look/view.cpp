#include "apps/fenet/look/view.h"

#include "core/base/error.h"

#include "apps/fenet/train/fold_training.h"

#include <algorithm>

namespace thimble::fenet {
namespace {

namespace fs = std::filesystem;

/// The first segments of another source.
class FirstSegments : public SegmentSource {
 public:
  FirstSegments(std::shared_ptr<const SegmentSource> source, std::int64_t count)
      : source_(std::move(source)), count_(count) {}
  std::int64_t segments() const override { return count_; }
  std::int64_t channels() const override { return source_->channels(); }
  std::int64_t samples() const override { return source_->samples(); }
  void read(std::int64_t first, const Tensor& block) const override { source_->read(first, block); }

 private:
  std::shared_ptr<const SegmentSource> source_;
  std::int64_t count_;
};

/// "latest", "demo/3" and run folders are runs, all other words configurations.
bool is_run(const std::string& word) {
  std::error_code ignored;
  return word == "latest" || fs::exists(fs::path(word) / "config.yaml", ignored) ||
         (word.find('/') != std::string::npos && fs::path(word).extension() != ".yaml");
}

/// The network of the best fold; one without training has only its start.
const std::vector<Tensor>& weights_of_best(const CrossValidation& run) {
  const FoldResult* best = &run.folds.front();
  for (const FoldResult& fold : run.folds)
    if (!(best->best >= fold.best)) best = &fold;
  return best->weights.empty() ? best->start_weights : best->weights;
}

std::string origin_of(const app::Context& context, const Subject& subject) {
  if (!context.flag("--weights").empty()) return context.flag("--weights");
  if (!subject.folder.empty()) return subject.folder.string();
  return subject.chosen.settings.model.weights.value_or("Daubechies filters");
}

}  // namespace

std::vector<Day> View::days() const {
  std::vector<Day> all = recordings.train;
  all.insert(all.end(), recordings.dev.begin(), recordings.dev.end());
  all.insert(all.end(), recordings.test.begin(), recordings.test.end());
  return all;
}

app::Flag weights_flag() {
  return {"--weights", "FILE", "filters of this file (.h5, .pt) or preset; RUN is then a CONFIG", "", {}, 0};
}

View open_view(const app::Context& context) {
  const std::string word = context.word(0);
  if (word.empty())
    throw Error(ErrorKind::usage, "which run or configuration?", {},
                text::cat("thimble-fenet ", context.verb().name, " latest"));
  const bool trained = is_run(word) || !context.flag("--weights").empty();
  Subject subject = trained ? open_subject(context) : untrained_subject(context);
  Settings& settings = subject.chosen.settings;
  Network network(architecture_of(settings), subject.sessions.front().session.segments->samples());
  network.set_weights(weights_of_best(*subject.run));
  std::string origin = origin_of(context, subject);
  return {std::move(settings), subject.chosen.name, std::move(subject.folder),
          std::move(origin),   std::move(network),  std::move(subject.recordings)};
}

fs::path look_folder(const app::Context& context, const View& view, const std::string& name) {
  if (context.flags().out) return *context.flags().out;
  return view.folder.empty() ? fs::path(name) : view.folder / name;
}

Session first_segments(const Session& session, std::int64_t segments) {
  if (segments <= 0 || segments >= session.segments->segments()) return session;
  Session out = session;
  out.labels = session.labels.rows(0, segments);
  out.segments = std::make_shared<FirstSegments>(session.segments, segments);
  return out;
}

std::vector<DayFeatures> features_of_days(const Network& network, const std::vector<Day>& days, std::int64_t segments) {
  std::vector<DayFeatures> out;
  for (const Day& day : days) {
    if (day.sessions.empty()) continue;
    const Session session = first_segments(day.sessions.front(), segments);
    out.push_back({day.name, session, session.segments->channels(), extract_features(network, *session.segments),
                   session.labels});
  }
  return out;
}

}  // namespace thimble::fenet
