#include "apps/fenet/data/electrodes.h"

#include "core/io/table.h"

#include <set>
#include <utility>

namespace thimble::fenet {
namespace {

constexpr std::int64_t kGrid = 10, kOfArray = 96, kMostChannels = 100000;

}  // namespace

std::vector<ElectrodePlace> read_electrode_map(const std::filesystem::path& path) {
  io::TableOptions options;
  options.header = io::Header::required;
  options.columns = {"channel", "row", "column"};
  options.integers = options.columns;
  const io::Table table = io::read_table(path, options);
  std::vector<ElectrodePlace> out;
  std::set<std::int64_t> channels;
  std::set<std::pair<std::int64_t, std::int64_t>> places;
  for (std::int64_t i = 0; i < table.rows(); ++i) {
    const auto at = [&](int column) { return static_cast<std::int64_t>(table.at(i, column)); };
    for (int column = 0; column < 3; ++column)
      if (at(column) < (column == 0 ? 1 : 0) || at(column) > kMostChannels)
        throw table.error(i, column, "channels are counted from 1, rows and columns from 0");
    const ElectrodePlace place{at(0) - 1, at(1), at(2)};
    if (!channels.insert(place.channel).second) throw table.error(i, 0, "the channel has a place already");
    if (!places.insert({place.row, place.column}).second) throw table.error(i, 1, "another channel has this place");
    out.push_back(place);
  }
  return out;
}

std::vector<ElectrodePlace> standard_electrode_map(std::int64_t channels) {
  std::vector<ElectrodePlace> out;
  for (std::int64_t c = 0; c < channels; ++c) {
    const std::int64_t within = c % kOfArray;
    // the first row lacks both corners, so do the last
    const std::int64_t cell = within < kGrid - 2                ? within + 1
                              : within < kOfArray - (kGrid - 2) ? within + 2
                                                                : within + 3;
    out.push_back({c, cell / kGrid, c / kOfArray * kGrid + cell % kGrid});
  }
  return out;
}

}  // namespace thimble::fenet
