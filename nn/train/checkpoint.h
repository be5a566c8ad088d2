#pragma once
// Everything a training needs to go on with the same bits, in one sealed file: written atomically, read back and
// verified before it counts, damaged files skipped by name. Format: docs/formats.md.

#include "nn/parameter.h"
#include "nn/train/state.h"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace thimble::nn {

inline constexpr int kCheckpointVersion = 1;

/// Content of a checkpoint. No wall time, no machine: equal trainings give equal bytes.
struct Checkpoint {
  std::map<std::string, std::string> about = {};  // app, config hash, epoch, step, seed, parent, note, isa, program
  std::string arch = {};                          // nn::Graph as JSON; empty for a hand-written module
  std::map<std::string, State> groups = {};       // "model", "buffers", "optim", "trainer", "loader", "rng", "app/..."
};

/// The file as sealed bytes: tensors are data sets /<group>/<path with / for .>, facts attributes of their group,
/// `about` attributes of the root. Throws Error(value) for a number that is not finite.
std::string checkpoint_bytes(const Checkpoint& checkpoint);
/// Throws Error(io) or Error(data) naming the file and what is wrong with it: seal, format, newer version.
Checkpoint read_checkpoint(const std::filesystem::path& file);

/// Parameters and buffers of a model as the groups "model" and "buffers", and back. Loading a checkpoint of another
/// network throws Error(data) that lists every path with both shapes; the model is then unchanged.
void store_model(Checkpoint& checkpoint, const Parts& model);
void load_model(const Checkpoint& checkpoint, const Parts& model, const std::string& file);

/// The same from copies taken earlier.
void store_snapshot(Checkpoint& checkpoint, const Parts& model, const Snapshot& snapshot);

/// The checkpoints of one training in one folder: epoch-0012-step-003480.h5, last.h5, best.h5, index.json.
class CheckpointStore {
 public:
  /// Makes the folder and removes what killed processes left half-written. `keep`: newest files that stay.
  explicit CheckpointStore(std::filesystem::path folder, std::size_t keep = 3);

  /// Writes under the name of its epoch and step, reads back, compares, replaces last.h5 and index.json, and only then
  /// deletes old files. Throws Error(io); earlier files are then untouched.
  std::filesystem::path save(const Checkpoint& checkpoint);
  /// Replaces best.h5.
  void save_best(const Checkpoint& checkpoint);

  struct Found {
    std::filesystem::path file;  // empty: there is no checkpoint
    Checkpoint checkpoint;
    std::vector<std::string> damaged;  // "name: trouble" of the newer files that were refused
  };
  /// The newest intact checkpoint; the names decide, the index may be missing or old. Throws Error(data) with the list
  /// if there are files and none is intact.
  Found newest() const;
  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::vector<std::string> names() const;

  std::filesystem::path folder_;
  std::size_t keep_;
};

/// "epoch-0012-step-003480.h5"
std::string checkpoint_name(std::int64_t epoch, std::int64_t step);

}  // namespace thimble::nn
