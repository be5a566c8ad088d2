#pragma once
// Mean over the experts while they train: metrics.csv and an event file grow by one row as soon as every expert that is
// still to report has finished the epoch. An expert that has ended stands with its last values. What is written does
// not depend on who was faster.

#include "core/io/atomic_file.h"
#include "core/io/tfevents.h"

#include "apps/neurotrigger/train/expert_training.h"

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace thimble::neurotrigger {

class MeanLog {
 public:
  /// `experts` all of the run. Files of `folder` (the run folder): metrics.csv, mean_expert/version_0/events...; both
  /// begin anew, a resumed run reports its old epochs first. Empty: nothing is written. Throws Error(io).
  MeanLog(const std::vector<int>& experts, const std::string& folder);

  /// All epochs of an expert so far; from any thread. Throws Error(io).
  void report(int expert, const EpochTable& table);
  /// The expert reports no more: trained, skipped or failed.
  void finish(int expert);
  /// What the expert has reported.
  EpochTable reported(int expert) const;
  /// Rows so far.
  EpochTable mean() const;

 private:
  struct Member {
    EpochTable table;
    bool finished = false;
  };
  void write_ready_rows();
  void write_row(std::int64_t row);

  mutable std::mutex mutex_;
  std::map<int, Member> members_;
  EpochTable mean_;
  std::optional<io::AppendFile> csv_;
  std::optional<io::EventWriter> events_;
};

/// Appends epoch `table.rows() + 1` to the mean of the tables: their values of that epoch or the last ones before it;
/// tables without a row and values that are not finite are left out.
void append_mean_row(const std::vector<const EpochTable*>& tables, EpochTable& mean);

}  // namespace thimble::neurotrigger
