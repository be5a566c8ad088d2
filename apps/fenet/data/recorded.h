#pragma once
// Recordings as files hold them: all channels, nothing done to the signal, nothing large read before it is asked for.

#include "apps/fenet/data/data_keys.h"
#include "apps/fenet/data/session.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace thimble::fenet {

struct RecordedSession {
  std::shared_ptr<const SegmentSource> segments;
  Tensor labels;  // [B, D] f32 as stored; undefined: none
};

/// A day as its file holds it.
struct RecordedDay {
  std::string name;
  std::vector<std::filesystem::path> files;
  double rate_hz = 30000.0;
  std::vector<RecordedSession> sessions;
  Tensor channel_r2;               // [C, D] f64, undefined when the file has none
  std::vector<std::string> notes;  // what was left out and why
};

/// MATLAB 7.3 day file: `neural_cell` (1, S) references to [C, T, B_s], `targets` [D, sum B_s], optional `CVR2` [D, C]
/// (sizes as HDF5 has them, the reverse of MATLAB's). The day's name is the first run of eight digits of the file name.
/// Throws Error(data) naming file and data set for anything else.
RecordedDay read_matlab_day(const std::filesystem::path& path);

/// NWB 1 and NWB 2 (HDF5): one broadband series as one session (more when its times have gaps), behaviour aligned by
/// time. Keys: series, labels, label_times, label_kind, segment_ms, rate_hz.
RecordedDay read_nwb_day(const std::filesystem::path& path, const DataKeys& keys);

/// Interleaved samples and the JSON beside them (docs/fenet/data.md): NAME.json names the rest.
RecordedDay read_raw_day(const std::filesystem::path& path, const DataKeys& keys);

/// NAME_broadband.npy [B, C, T], NAME_labels.npy [B, D] and, if it is there, NAME_cvr2.npy [C, D].
RecordedDay read_npy_day(const std::filesystem::path& path);

/// By the setting data.loader, or by what the file is. Throws Error(data) for a file of no known kind.
RecordedDay read_day(const std::filesystem::path& path, const DataKeys& keys);

}  // namespace thimble::fenet
