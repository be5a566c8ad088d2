#pragma once
// What a JSON file says of interleaved samples: on disk (data, simulate) and on a pipe (stream).
//
//   {"format": "thimble-raw-1", "rate_hz": 30000, "channels": 12, "type": "int16", "scale": 0.25,
//    "samples": 900, "sessions": [{"data": "day_0.raw", "labels": "day_0.npy"}], "cvr2": "day_cvr2.npy"}

#include "core/io/array.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace thimble::fenet {

struct RawDescription {
  struct Session {
    std::filesystem::path data, labels;  // labels: .npy or CSV, one row per segment; empty: none
  };
  double rate_hz = 30000.0;
  std::int64_t channels = 0;
  io::Element element = io::Element::i16;  // i16, i32, f32 or f64
  std::vector<double> scale;               // microvolts of one step, per channel
  std::uint64_t header_bytes = 0;          // before the first sample
  std::int64_t samples = 0;                // of a segment; 0: by the length of a segment in the settings
  std::vector<Session> sessions;
  std::filesystem::path channel_r2;  // .npy [C, axes]; empty: none
};

/// "int16", "int32", "float32", "float64"; false for others.
bool parse_sample_type(const std::string& name, io::Element& element);
std::string sample_type_name(io::Element element);

/// Paths in the file are relative to its folder; `files` false: sessions may be missing. Throws Error(data) naming the
/// key for anything that cannot be.
RawDescription read_raw_description(const std::filesystem::path& path, bool files = true);
/// The JSON text of a description, with paths as they are.
std::string raw_description_text(const RawDescription& about);

}  // namespace thimble::fenet
