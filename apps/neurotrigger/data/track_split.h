#pragma once
// Track files parted into training, validation and test by event: a track that shares its event with a training track
// never judges the training. Rows are copied byte by byte.

#include "apps/neurotrigger/data/dataset.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace thimble::neurotrigger {

/// Track files with their text beside the numbers.
struct TrackText {
  std::string header;              // first line of the first file
  std::vector<std::string> lines;  // of the rows, in order, without line ends
  Dataset data;                    // the same rows
  struct Source {
    std::string path, sha256;  // of the file as it is
    std::int64_t rows = 0;
  };
  std::vector<Source> sources;
};
/// Reads files that have the same columns in the same order. Throws what read_tracks throws, and Error(data) naming the
/// file whose columns differ.
TrackText read_track_text(const std::vector<std::string>& paths);

struct SplitOptions {
  std::vector<double> shares{0.6, 0.2, 0.2};  // of the events; each above 0, together 1
  std::uint64_t seed = 1;
  bool by_run = false;  // events of the same number in different runs are different events
  std::string filter;   // rows to keep, before anything else
};

/// Rows of every part, ascending. The part of an event is drawn from the stream "split" of the seed by its number
/// alone: it stays when files are added, and does not depend on their order. Throws Error(usage) for bad shares.
std::vector<std::vector<std::int64_t>> split_rows(const Dataset& data, const SplitOptions& options);

/// Header, empty line and the rows as they were read.
std::string split_text(const TrackText& tracks, const std::vector<std::int64_t>& rows);

/// Sources with their hashes, settings, and per file rows, events, rows by expert and hash. "version" is a hash of the
/// sources' content and the settings: equal versions are equal data sets.
std::string split_manifest(const TrackText& tracks, const SplitOptions& options,
                           const std::vector<std::vector<std::int64_t>>& parts, const std::vector<std::string>& names);

}  // namespace thimble::neurotrigger
