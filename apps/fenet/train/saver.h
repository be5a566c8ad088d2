#pragma once
// The best weights of a fold as files: at most so many, named by step and metric.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace thimble::fenet {

class Saver {
 public:
  struct Kept {
    double metric = 0;
    std::int64_t step = 0;
    std::filesystem::path file;
  };

  /// Files `<folder>/<label>_step-<step>_perf-<metric, 4 decimals>.h5`; "{step}" in the label stands for the step.
  /// Without a folder nothing is written.
  Saver(std::filesystem::path folder, std::string label, std::size_t most);

  /// Rejected only if `most` are kept and the worst of them is strictly better, or if the metric is no number.
  /// Otherwise written by `write`; then the worst goes, of equal ones the oldest. True if it was accepted.
  bool offer(double metric, std::int64_t step, const std::function<void(const std::filesystem::path&)>& write);

  /// In the order in which they were offered.
  const std::vector<Kept>& kept() const { return kept_; }
  /// The best one, of equal ones the newest.
  std::optional<Kept> best() const;
  /// Takes back what an earlier process kept; what it wrote after its last checkpoint is removed.
  void restore(std::vector<Kept> kept);
  std::string name(double metric, std::int64_t step) const;

 private:
  std::filesystem::path folder_;
  std::string label_;
  std::size_t most_;
  std::vector<Kept> kept_;
};

}  // namespace thimble::fenet
