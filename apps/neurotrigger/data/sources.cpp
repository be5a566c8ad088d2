#include "apps/neurotrigger/data/sources.h"

#include "core/base/error.h"
#include "core/base/log.h"

#include "apps/neurotrigger/data/track_file.h"
#include "apps/neurotrigger/run/old_outputs.h"

namespace thimble::neurotrigger {
namespace {

/// Parsed files are kept in the current folder, as the original does.
const char* cache_folder(const DataKeys& keys) {
  return keys.cache ? ".cache" : "";
}

Dataset read_split(const FileList& files, const std::string& key, const char* cache, Splits& splits) {
  for (const std::string& path : files.paths) splits.inputs.emplace_back(key, path);
  return files.empty() ? empty_dataset(0) : read_tracks(files.paths, cache);
}

void join_or_warn(const Settings& settings, OldOutputs old, Splits& splits) {
  try {
    join_old_outputs(settings, find_compared_run(settings), splits);
  } catch (const Error& e) {
    if (old == OldOutputs::required) throw;
    log::warning("compare_to does without the run ", *settings.compare_to, ": ", e.message());
  }
}

void require_rows(const Dataset& data, const char* key) {
  if (data.rows() == 0)
    throw Error(ErrorKind::data, "there is no track to work with", {"", 0, 0, key},
                "raise the number of simulated tracks");
}

}  // namespace

const char* name_of(Split split) {
  static constexpr std::array<const char*, 3> names{"train", "val", "test"};
  return names[static_cast<std::size_t>(split)];
}

SimulationOptions simulation_options(const SimulateKeys& keys) {
  SimulationOptions options = simulation_preset(keys.preset);
  if (keys.z == "mixture") options.z_shape = ZShape::mixture;
  return options;
}

Splits load_splits(const Settings& settings, OldOutputs old) {
  Splits splits;
  const DataKeys& keys = settings.data;
  splits.simulated = keys.train.empty();
  if (splits.simulated) {
    SimulationOptions options = simulation_options(keys.simulate);
    options.patterns = settings.in_size == static_cast<std::int64_t>(kPatternInputs);
    const auto seed = static_cast<std::uint64_t>(settings.seed);
    splits[Split::train] = simulate_tracks(options, seed, "train", keys.simulate.train);
    splits[Split::val] = simulate_tracks(options, seed, "val", keys.simulate.val);
    splits[Split::test] = simulate_tracks(options, seed, "test", keys.simulate.test);
  } else {
    if (settings.in_size != static_cast<std::int64_t>(kInputs))
      throw Error(ErrorKind::config, text::cat("track files hold ", kInputs, " inputs"), {"", 0, 0, "in_size"},
                  text::cat("leave data.train out: the simulator makes ", kPatternInputs, " inputs"));
    splits[Split::train] = read_split(keys.train, "data.train", cache_folder(keys), splits);
    splits[Split::val] = read_split(keys.val, "data.val", cache_folder(keys), splits);
    splits[Split::test] = read_split(keys.test, "data.test", cache_folder(keys), splits);
  }
  require_rows(splits[Split::train], "data.train");
  require_rows(splits[Split::val], "data.val");
  if (settings.compare_to) join_or_warn(settings, old, splits);
  return splits;
}

}  // namespace thimble::neurotrigger
