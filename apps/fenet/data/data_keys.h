#pragma once
// Settings of recordings: where they come from, what is done to the signal before the network sees it, the simulator.

#include "apps/common/config/schema.h"

#include <cstdint>
#include <string>
#include <vector>

namespace thimble::fenet {

/// What is done to the signal, in this order: common average, filters, standardisation.
struct PreprocessKeys {
  bool car = false;
  double highpass_hz = 0.0;
  std::vector<double> bandpass_hz, notch_hz;
  std::int64_t order = 2;
  bool standardize = true;
  static void fields(auto& self, auto&& f) {
    f("car", self.car, "take the mean over all channels away (common average reference)");
    f("highpass_hz", self.highpass_hz, "causal Butterworth high-pass, 0: none", app::at_least(0), app::unit("Hz"));
    f("bandpass_hz", self.bandpass_hz, "causal Butterworth band-pass [low, high]; empty: none", app::greater_than(0),
      app::unit("Hz"));
    f("notch_hz", self.notch_hz, "frequencies cut out, two hertz wide", app::greater_than(0), app::unit("Hz"));
    f("order", self.order, "order of the high-pass, and of each side of the band-pass", app::between(1, 12));
    f("standardize", self.standardize, "every channel of a session to mean 0 and deviation 1");
  }
};

/// Which channels are used.
struct ChannelKeys {
  std::int64_t top = 0;
  double min_r2 = 0.0;
  std::string mask, map;
  static void fields(auto& self, auto&& f) {
    f("top", self.top, "use the channels with the best stored R2, 0: all (channels of equal R2 all stay)",
      app::at_least(0), app::alias("n_top"));
    f("min_r2", self.min_r2, "use channels whose better stored R2, of x and y, is at least this", app::between(0, 1));
    f("mask", self.mask,
      "JSON or YAML file: name or number of the day -> list of true and false; rules out min_r2, top", app::file_path);
    f("map", self.map, "CSV file channel,row,column: where the electrodes are", app::file_path);
  }
};

/// Where recordings come from. Without files they are simulated.
struct DataKeys {
  std::string dir;
  std::vector<std::string> train, dev, test;
  std::string loader = "auto";
  double segment_ms = 30.0, rate_hz = 30000.0;
  ChannelKeys channels;
  PreprocessKeys preprocess;
  std::string series, labels, label_times, label_kind = "velocity";
  bool cache = true;
  std::string cache_dir = ".cache";
  std::int64_t resident_mb = 512;
  static void fields(auto& self, auto&& f) {
    f("dir", self.dir, "folder of the recordings, environment FENET_MODEL_DATA_DIR", app::file_path);
    f("train", self.train, "days to train on: files, names in dir, or patterns with * (sorted); none: simulated");
    f("dev", self.dev, "days by which sweeps and best-of choices are made");
    f("test", self.test, "days nothing is fitted on");
    f("loader", self.loader, "format of the files; auto: by their content",
      app::one_of({"auto", "matlab", "nwb", "raw", "npy"}));
    f("segment_ms", self.segment_ms, "length of a segment, for continuous recordings", app::greater_than(0),
      app::unit("ms"));
    f("rate_hz", self.rate_hz,
      "samples per second; continuous recordings of another rate are resampled, 0: left as they are", app::at_least(0),
      app::unit("Hz"));
    f("channels", self.channels, "which channels are used");
    f("preprocess", self.preprocess, "what is done to the signal");
    f("series", self.series, "NWB: path or name of the broadband series when there are several");
    f("labels", self.labels, "NWB: path of the behaviour in the file, or FILE.mat:data set beside it");
    f("label_times", self.label_times, "name of the data set of its times, for labels in a MATLAB file");
    f("label_kind", self.label_kind,
      "what the behaviour is; labels are velocities, of positions those between the ends",
      app::one_of({"velocity", "position"}));
    f("cache", self.cache, "keep the signals as the network sees them in cache_dir");
    f("cache_dir", self.cache_dir, "folder of the cache", app::file_path);
    f("resident_mb", self.resident_mb, "signals up to this size stay in memory, larger ones are read again and again",
      app::at_least(0), app::unit("MB"));
  }
};

/// Simulated recordings (used when no files are named).
struct SimulateKeys {
  std::int64_t days = 1, sessions = 4, segments = 500, channels = 12, samples = 900;
  double quality = 1.5;
  double unit_loss = 0.0;
  static void fields(auto& self, auto&& f) {
    f("days", self.days, "simulated days, recorded by the same electrodes", app::between(1, 1000));
    f("sessions", self.sessions, "sessions of a day", app::between(1, 1000));
    f("segments", self.segments, "segments of a session", app::between(2, 1000000));
    f("channels", self.channels, "electrodes", app::between(1, 4096));
    f("samples", self.samples, "samples of a segment at 30 kHz", app::between(64, 100000));
    f("quality", self.quality, "how many neurons are near the electrodes", app::between(0, 100));
    f("unit_loss", self.unit_loss, "share of the neurons that falls silent from one day to the next",
      app::between(0, 1));
  }
};

}  // namespace thimble::fenet
