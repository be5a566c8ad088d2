#include "apps/fenet/data/day_writers.h"

#include "core/base/error.h"
#include "core/io/atomic_file.h"
#include "core/io/hdf5.h"
#include "core/io/npy.h"
#include "core/io/streamed_file.h"

#include "apps/fenet/data/preprocess.h"
#include "apps/fenet/data/raw_description.h"

#include <algorithm>
#include <cmath>

namespace thimble::fenet {
namespace {

namespace fs = std::filesystem;

constexpr double kStep = 0.25;  // microvolts of one step of 16 bits
constexpr std::size_t kUserBlock = 512;
constexpr std::int64_t kMostInMemory = std::int64_t{1} << 30;

std::int16_t to_step(float microvolts) {
  return static_cast<std::int16_t>(std::clamp(std::lround(static_cast<double>(microvolts) / kStep), -32767L, 32767L));
}

/// Steps of a block [n, C, T], all channels of a moment side by side.
std::vector<std::int16_t> interleaved_steps(const Tensor& block) {
  const std::int64_t channels = block.size(1), samples = block.size(2);
  std::vector<std::int16_t> out(static_cast<std::size_t>(block.numel()));
  for (std::int64_t b = 0; b < block.size(0); ++b)
    for (std::int64_t c = 0; c < channels; ++c) {
      const float* x = block.data<float>() + (b * channels + c) * samples;
      std::int16_t* to = out.data() + b * channels * samples + c;
      for (std::int64_t t = 0; t < samples; ++t) to[t * channels] = to_step(x[t]);
    }
  return out;
}

std::string_view bytes_of_steps(const std::vector<std::int16_t>& steps) {
  return {reinterpret_cast<const char*>(steps.data()), steps.size() * sizeof(std::int16_t)};
}

void check_size(const Session& session, std::int64_t each) {
  const SegmentSource& source = *session.raw;
  const std::int64_t bytes = source.segments() * source.channels() * source.samples() * each;
  THIMBLE_CHECK(bytes <= kMostInMemory, value, session.name, " has ", io::size_text(static_cast<std::uint64_t>(bytes)),
                ", formats with HDF5 are written up to 1 GiB: use raw or npy");
}

std::vector<fs::path> write_raw(const Day& day, const fs::path& folder) {
  RawDescription about;
  about.rate_hz = day.rate_hz;
  about.channels = day.sessions.front().raw->channels();
  about.samples = day.sessions.front().raw->samples();
  about.scale.assign(static_cast<std::size_t>(about.channels), kStep);
  std::vector<fs::path> files{folder / (day.name + ".json")};
  for (std::size_t s = 0; s < day.sessions.size(); ++s) {
    const std::string stem = text::cat(day.name, "_", s);
    io::StreamedFile out(folder / (stem + ".raw"));
    for_blocks(*day.sessions[s].raw,
               [&](std::int64_t, const Tensor& block) { out.append(bytes_of_steps(interleaved_steps(block))); });
    out.finish();
    io::write_npy(folder / (stem + ".npy"), io::Array(day.sessions[s].labels));
    about.sessions.push_back({stem + ".raw", stem + ".npy"});
    files.push_back(folder / (stem + ".raw"));
    files.push_back(folder / (stem + ".npy"));
  }
  io::atomic_replace(files.front(), raw_description_text(about));
  return files;
}

std::vector<fs::path> write_npy_day(const Day& day, const fs::path& folder) {
  std::vector<fs::path> files, labels;
  for (std::size_t s = 0; s < day.sessions.size(); ++s) {
    const std::string stem = text::cat(day.name, "_", s);
    const SegmentSource& source = *day.sessions[s].raw;
    files.push_back(folder / (stem + "_broadband.npy"));
    labels.push_back(folder / (stem + "_labels.npy"));
    io::write_npy(labels.back(), io::Array(day.sessions[s].labels));
    io::StreamedFile out(files.back());
    out.append(io::npy_header(io::Element::f32, {source.segments(), source.channels(), source.samples()}));
    for_blocks(source, [&](std::int64_t, const Tensor& block) {
      out.append({reinterpret_cast<const char*>(block.data<float>()), block.bytes()});
    });
    out.finish();
  }
  files.insert(files.end(), labels.begin(), labels.end());
  return files;
}

io::Hdf5Value text_value(const std::string& text) {
  io::Hdf5Value value;
  value.is_text = true;
  value.texts = {text};
  return value;
}

io::Hdf5Value number_value(double number) {
  io::Hdf5Value value;
  value.numbers = io::Array::from(std::span<const double>(&number, 1), {});
  return value;
}

/// Labels at the middle of every segment, and at both ends of the recording, with their times.
void add_behaviour(const Session& session, double seconds, io::Hdf5Tree& tree) {
  const std::int64_t rows = session.labels.size(0), axes = session.labels.size(1);
  const std::vector<double> y = session.labels.to_vector();
  std::vector<double> times{0.0}, values;
  const auto add_row = [&](std::int64_t b) {
    values.insert(values.end(), y.begin() + b * axes, y.begin() + (b + 1) * axes);
  };
  add_row(0);
  for (std::int64_t b = 0; b < rows; ++b) times.push_back((static_cast<double>(b) + 0.5) * seconds), add_row(b);
  times.push_back(static_cast<double>(rows) * seconds);
  add_row(rows - 1);
  const std::string group = "/processing/behavior/kinematics/velocity";
  tree.datasets[group + "/data"].numbers = io::Array::from(std::span<const double>(values), {rows + 2, axes});
  tree.datasets[group + "/timestamps"].numbers = io::Array::from(times);
  tree.attributes[group + "/data"]["conversion"] = number_value(1.0);
  tree.attributes[group]["neurodata_type"] = text_value("TimeSeries");
}

void write_nwb_session(const Day& day, const Session& session, const fs::path& path) {
  check_size(session, sizeof(std::int16_t));
  const SegmentSource& source = *session.raw;
  std::vector<std::int16_t> steps;
  for_blocks(source, [&](std::int64_t, const Tensor& block) {
    const std::vector<std::int16_t> part = interleaved_steps(block);
    steps.insert(steps.end(), part.begin(), part.end());
  });
  io::Hdf5Tree tree;
  const std::string group = "/acquisition/ElectricalSeries";
  tree.datasets[group + "/data"].numbers =
      io::Array::from(std::span<const std::int16_t>(steps), {source.segments() * source.samples(), source.channels()});
  tree.attributes[group + "/data"]["conversion"] = number_value(kStep * 1e-6);
  tree.attributes[group + "/data"]["offset"] = number_value(0.0);
  tree.attributes[group + "/data"]["unit"] = text_value("volts");
  tree.datasets[group + "/starting_time"] = number_value(0.0);
  tree.attributes[group + "/starting_time"]["rate"] = number_value(day.rate_hz);
  tree.attributes[group]["neurodata_type"] = text_value("ElectricalSeries");
  tree.attributes["/"]["nwb_version"] = text_value("2.5.0");
  std::vector<std::int64_t> rows;
  for (const std::int64_t channel : day.channels) rows.push_back(channel);
  tree.datasets[group + "/electrodes"].numbers = io::Array::from(rows);
  add_behaviour(session, static_cast<double>(source.samples()) / day.rate_hz, tree);
  io::atomic_replace(path, io::build_hdf5(tree));
}

std::vector<fs::path> write_nwb(const Day& day, const fs::path& folder) {
  std::vector<fs::path> files;
  for (std::size_t s = 0; s < day.sessions.size(); ++s) {
    files.push_back(folder / text::cat(day.name, "_", s, ".nwb"));
    write_nwb_session(day, day.sessions[s], files.back());
  }
  return files;
}

/// A session as MATLAB's cell holds it: [C, T, B].
io::Array turned_session(const Session& session) {
  check_size(session, 2 * sizeof(float));
  const SegmentSource& source = *session.raw;
  const std::int64_t segments = source.segments(), rows = source.channels() * source.samples();
  std::vector<float> out(static_cast<std::size_t>(segments * rows));
  for_blocks(source, [&](std::int64_t first, const Tensor& block) {
    for (std::int64_t b = 0; b < block.size(0); ++b)
      for (std::int64_t r = 0; r < rows; ++r)
        out[static_cast<std::size_t>(r * segments + first + b)] = block.data<float>()[b * rows + r];
  });
  return io::Array::from(std::span<const float>(out), {source.channels(), source.samples(), segments});
}

std::vector<fs::path> write_matlab(const Day& day, const fs::path& folder) {
  io::Hdf5Tree tree;
  std::vector<std::string> cells;
  std::vector<std::vector<double>> targets(static_cast<std::size_t>(day.sessions.front().labels.size(1)));
  for (std::size_t s = 0; s < day.sessions.size(); ++s) {
    cells.push_back(text::cat("/#refs#/s", s));
    tree.datasets[cells.back()].numbers = turned_session(day.sessions[s]);
    tree.attributes[cells.back()]["MATLAB_class"] = text_value("single");
    const std::vector<double> labels = day.sessions[s].labels.to_vector();
    for (std::size_t i = 0; i < labels.size(); ++i) targets[i % targets.size()].push_back(labels[i]);
  }
  std::vector<double> values;
  for (const auto& axis : targets) values.insert(values.end(), axis.begin(), axis.end());
  tree.datasets["/targets"].numbers =
      io::Array::from(std::span<const double>(values),
                      {static_cast<std::int64_t>(targets.size()), static_cast<std::int64_t>(targets.front().size())});
  tree.attributes["/targets"]["MATLAB_class"] = text_value("double");
  tree.references["/neural_cell"] = cells;
  tree.attributes["/neural_cell"]["MATLAB_class"] = text_value("cell");
  std::string block = "MATLAB 7.3 MAT-file, written by Thimble";
  block.resize(124, ' ');
  block += std::string("\x00\x02IM", 4);  // version 2.0, little-endian
  block.resize(kUserBlock, '\0');
  const fs::path path = folder / text::cat("FennData_", day.name, "_Reshaped_30ms_cell_new.mat");
  io::atomic_replace(path, block + io::build_hdf5(tree));
  return {path};
}

}  // namespace

DayFormat parse_day_format(const std::string& name) {
  if (name == "npy") return DayFormat::npy;
  if (name == "nwb") return DayFormat::nwb;
  if (name == "matlab") return DayFormat::matlab;
  THIMBLE_CHECK(name == "raw", usage, "format ", text::printable(name), ": raw, npy, nwb or matlab");
  return DayFormat::raw;
}

std::vector<fs::path> write_day(const Day& day, DayFormat format, const fs::path& folder) {
  switch (format) {
    case DayFormat::npy:
      return write_npy_day(day, folder);
    case DayFormat::nwb:
      return write_nwb(day, folder);
    case DayFormat::matlab:
      return write_matlab(day, folder);
    case DayFormat::raw:
      break;
  }
  return write_raw(day, folder);
}

}  // namespace thimble::fenet
