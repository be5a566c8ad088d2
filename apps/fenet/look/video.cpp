#include "apps/fenet/look/video.h"

#include "core/base/error.h"
#include "core/io/png.h"

#include "apps/fenet/data/electrodes.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace thimble::fenet {
namespace {

constexpr int kSidePixels = kArraySide * kCellPixels;
constexpr std::int64_t kColours = 3;

/// Reduced features of a session, three per channel.
Tensor three_dimensions(const DayFeatures& day, const Protocol& protocol) {
  const Tensor features = normalise_columns(day.features);
  linalg::PlsOptions options = protocol.pls;
  options.components = kColours;
  const std::int64_t own = features.size(1) / day.channels;
  THIMBLE_CHECK(own >= kColours, config, "the video needs three dimensions per channel, the network has ", own,
                " features");
  const linalg::ChannelPls pls = linalg::fit_channel_pls(features, day.channels, day.labels, options);
  return linalg::reduce(pls, features, protocol.apply);
}

/// Channels of one array: their columns in the features and their places.
struct ArrayChannels {
  std::vector<std::int64_t> columns;
  std::vector<GridPlace> places;
};

/// A map may name all channels, or those of one array, which then serves for every array.
std::map<std::int64_t, ArrayChannels> arrays_of(const std::vector<std::int64_t>& channels, const std::string& map) {
  std::int64_t most = kArrayElectrodes;
  for (const std::int64_t channel : channels) most = std::max(most, channel + 1);
  std::map<std::int64_t, GridPlace> known;
  for (const ElectrodePlace& place : map.empty() ? standard_electrode_map(most) : read_electrode_map(map))
    known[place.channel] = {static_cast<int>(place.row), static_cast<int>(place.column)};
  std::map<std::int64_t, ArrayChannels> out;
  for (std::size_t i = 0; i < channels.size(); ++i) {
    auto found = known.find(channels[i]);
    if (found == known.end()) found = known.find(channels[i] % kArrayElectrodes);
    if (found == known.end()) continue;  // not wired
    const GridPlace place{found->second.row % kArraySide, found->second.column % kArraySide};
    ArrayChannels& array = out[channels[i] / kArrayElectrodes];
    array.columns.push_back(static_cast<std::int64_t>(i));
    array.places.push_back(place);
  }
  return out;
}

/// Row 0 is the lowest, as in the map of the same array.
void paint_cell(std::vector<std::uint8_t>& pixels, const GridPlace& place, const std::uint8_t* colour) {
  const int top = (kArraySide - 1 - place.row) * kCellPixels;
  for (int y = 0; y < kCellPixels; ++y)
    for (int x = 0; x < kCellPixels; ++x) {
      const int at = ((top + y) * kSidePixels + place.column * kCellPixels + x) * 3;
      std::copy_n(colour, 3, pixels.begin() + at);
    }
}

/// How strongly the first dimension of every electrode follows the movement: its R2 with the better axis.
report::Figure array_figure(const Tensor& u, const Tensor& labels, const ArrayChannels& array, std::int64_t number) {
  report::Figure f = report::plain_figure(
      text::cat("array-", number + 1), text::cat("Array ", number + 1, ": what an electrode knows of the movement"),
      "Squared correlation of the first PLS dimension of each electrode with the better axis; empty cells have none.",
      report::figure_axis("column", "", -0.5, kArraySide - 0.5),
      report::figure_axis("row", "", -0.5, kArraySide - 0.5));
  f.square = true;
  report::Grid grid;
  grid.x = grid.y = {-0.5, kArraySide - 0.5};
  grid.columns = grid.rows = kArraySide;
  grid.label = "squared correlation";
  grid.values.assign(static_cast<std::size_t>(kArraySide) * kArraySide, std::nan(""));
  const std::vector<double> all = u.to_vector(), truth = labels.to_vector();
  const auto column_of = [](const std::vector<double>& values, std::int64_t width, std::int64_t column) {
    std::vector<double> out;
    for (auto i = static_cast<std::size_t>(column); i < values.size(); i += static_cast<std::size_t>(width))
      out.push_back(values[i]);
    return out;
  };
  for (std::size_t i = 0; i < array.columns.size(); ++i) {
    double best = 0;
    for (std::int64_t axis = 0; axis < labels.size(1); ++axis) {
      const double r = linalg::pearson(column_of(all, u.size(1), array.columns[i] * kColours),
                                       column_of(truth, labels.size(1), axis));
      if (std::isfinite(r)) best = std::max(best, r * r);
    }
    grid.values[static_cast<std::size_t>(array.places[i].row * kArraySide + array.places[i].column)] = best;
  }
  f.grid = std::move(grid);
  return f;
}

}  // namespace

std::uint8_t video_level(double value) {
  return static_cast<std::uint8_t>(std::clamp((value + 4.0) * 8.0, 0.0, 255.0));
}

std::string array_video(const Tensor& u, const std::vector<std::int64_t>& columns, const std::vector<GridPlace>& places,
                        std::int64_t frames) {
  const std::int64_t shown = std::min(frames, u.size(0));
  const Tensor numbers = u.to(DType::f64);
  io::AnimatedPng video(kSidePixels, kSidePixels, 3, static_cast<std::uint32_t>(shown), 3, 100);
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(kSidePixels) * kSidePixels * 3, 0);
  for (std::int64_t frame = 0; frame < shown; ++frame) {
    const double* row = numbers.data<double>() + frame * numbers.size(1);
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const double* own = row + columns[i] * kColours;
      const std::uint8_t colour[] = {video_level(own[0]), video_level(own[1]), video_level(own[2])};
      paint_cell(pixels, places[i], colour);
    }
    video.add(pixels);
  }
  return video.finish();
}

Look video_look(const DayFeatures& day, const std::vector<std::int64_t>& channels, const Protocol& protocol,
                const std::string& map, std::int64_t frames) {
  const Tensor u = three_dimensions(day, protocol);
  Look look;
  look.section.heading = "Neural video";
  look.section.text = {text::cat("Three PLS dimensions of every electrode as red, green and blue, ",
                                 std::min(frames, u.size(0)), " segments of ", day.session.name,
                                 " at 33.333 pictures per second. Electrodes that know the same change their colour "
                                 "together; black cells have no channel.")};
  for (const auto& [number, array] : arrays_of(channels, map)) {
    const std::string name = text::cat("video-array-", number + 1, ".png");
    std::string video = array_video(u, array.columns, array.places, frames);
    look.section.pictures.push_back({text::cat("Array ", number + 1), "", name, video});
    look.files.emplace_back(name, std::move(video));
    look.section.figures.push_back(array_figure(u, day.labels, array, number));
  }
  return look;
}

}  // namespace thimble::fenet
