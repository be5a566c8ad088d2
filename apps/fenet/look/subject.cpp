#include "apps/fenet/look/subject.h"

#include "core/base/error.h"

#include "apps/common/run/run_folder.h"
#include "apps/fenet/model/weights_file.h"
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

std::int64_t samples_of(const Recordings& recordings) {
  for (const auto* days : {&recordings.train, &recordings.dev, &recordings.test})
    for (const Day& day : *days)
      if (!day.sessions.empty()) return day.sessions.front().segments->samples();
  throw Error(ErrorKind::data, "the recordings hold no session");
}

Subject subject_of(Settings settings, std::string name, fs::path folder, std::string weights) {
  use_threads(settings);
  Recordings recordings = load_recordings(settings);
  const std::int64_t samples = samples_of(recordings);
  const bool file = !weights.empty();
  Network network = file ? network_of(read_weights(weights), samples) : start_network(settings, samples);
  if (!file) weights = settings.model.weights.value_or("Daubechies filters");
  return {std::move(settings), std::move(name),    std::move(folder),
          std::move(weights),  std::move(network), std::move(recordings)};
}

}  // namespace

std::vector<Day> Subject::days() const {
  std::vector<Day> all = recordings.train;
  all.insert(all.end(), recordings.dev.begin(), recordings.dev.end());
  all.insert(all.end(), recordings.test.begin(), recordings.test.end());
  return all;
}

app::Flag weights_flag() {
  return {"--weights", "FILE", "filters: a weights file or PyTorch checkpoint, in place of those of the run", "", {}, 0};
}

Subject open_subject(const app::Context& context) {
  const std::string word = context.word(0), given = context.flag("--weights");
  if (word.empty())
    throw Error(ErrorKind::usage, "which run or configuration?", {},
                text::cat("thimble-fenet ", context.verb().name, " latest"));
  if (is_run(word)) {
    OldRun run = open_run(context);
    const std::string own = (run.folder / "weights.h5").string();
    return subject_of(std::move(run.settings), run.name, run.folder, given.empty() ? own : given);
  }
  const app::LoadedConfig loaded = app::load_config(word, context.all_overrides(), load_options());
  return subject_of(bind_settings(loaded), loaded.name, {}, given);
}

fs::path look_folder(const app::Context& context, const Subject& subject, const std::string& name) {
  if (context.flags().out) return *context.flags().out;
  return subject.folder.empty() ? fs::path(name) : subject.folder / name;
}

Session first_segments(const Session& session, std::int64_t segments) {
  if (segments <= 0 || segments >= session.segments->segments()) return session;
  return {session.name, session.labels.rows(0, segments), std::make_shared<FirstSegments>(session.segments, segments)};
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
