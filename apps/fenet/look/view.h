#pragma once
// What the verbs that look at things work on: a network with its settings and recordings.

#include "apps/fenet/model/network.h"
#include "apps/fenet/run/subject.h"

#include <filesystem>
#include <string>
#include <vector>

namespace thimble::fenet {

struct View {
  Settings settings;
  std::string name;              // of the configuration
  std::filesystem::path folder;  // of the run; empty for a configuration
  std::string origin;            // of the weights: a file, or "Daubechies filters"
  Network network;
  Recordings recordings;

  /// Training, development and test days.
  std::vector<Day> days() const;
  /// Features as the decoder gets them are formed by this protocol.
  Protocol protocol() const { return with_reduction(protocol_of(settings), network); }
};

/// --weights, which every verb that looks has.
app::Flag weights_flag();

/// The first word is a run ("latest", "demo/3", a run folder: the network of its best fold) or a configuration, then
/// with the network of --weights (file or preset), of model.weights, or Daubechies filters. Throws what opening runs,
/// files and recordings throws.
View open_view(const app::Context& context);

/// Where a verb writes: --out, else a folder of the run, else of the current folder.
std::filesystem::path look_folder(const app::Context& context, const View& view, const std::string& name);

/// First session of every day, at most `segments` of its segments: features [B, C * N] not normalised, labels [B, D].
struct DayFeatures {
  std::string day;
  Session session;
  std::int64_t channels = 0;
  Tensor features, labels;
};
std::vector<DayFeatures> features_of_days(const Network& network, const std::vector<Day>& days,
                                          std::int64_t segments = 0);
/// A session cut after its first segments (0: all of them).
Session first_segments(const Session& session, std::int64_t segments);

}  // namespace thimble::fenet
