#include "apps/neurotrigger/train/mean_log.h"

#include "core/linalg/stats.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

namespace thimble::neurotrigger {
namespace {

namespace fs = std::filesystem;

/// Value at an epoch, the last one for an expert that has ended before.
double latest_value(const std::vector<double>& values, std::int64_t row) {
  return values[static_cast<std::size_t>(std::min(row, static_cast<std::int64_t>(values.size()) - 1))];
}

std::string csv_header() {
  std::string out = "epoch,step";
  for (const std::string& name : epoch_columns()) out += "," + name;
  return out + "\n";
}

}  // namespace

void append_mean_row(const std::vector<const EpochTable*>& tables, EpochTable& mean) {
  mean.columns.resize(epoch_columns().size());
  const std::int64_t row = mean.rows();
  double step = 0;
  for (const EpochTable* table : tables)
    if (table->rows() > 0) step = std::max(step, latest_value(table->step, row));
  mean.epoch.push_back(static_cast<double>(row + 1));
  mean.step.push_back(step);
  for (std::size_t c = 0; c < mean.columns.size(); ++c) {
    std::vector<double> values;
    for (const EpochTable* table : tables)
      if (table->rows() > 0) values.push_back(latest_value(table->columns[c], row));
    std::erase_if(values, [](double v) { return !std::isfinite(v); });
    mean.columns[c].push_back(values.empty() ? std::numeric_limits<double>::quiet_NaN() : linalg::mean(values));
  }
}

MeanLog::MeanLog(const std::vector<int>& experts, const std::string& folder) {
  for (const int expert : experts) members_[expert].table.columns.resize(epoch_columns().size());
  if (folder.empty()) return;
  csv_.emplace(fs::path(folder) / "metrics.csv");
  csv_->truncate(0);
  csv_->append(csv_header());
  csv_->flush();
  const fs::path events = fs::path(folder) / "mean_expert/version_0";
  fs::remove_all(events);
  events_.emplace(events);
}

void MeanLog::report(int expert, const EpochTable& table) {
  const std::scoped_lock lock(mutex_);
  EpochTable& own = members_.at(expert).table;
  for (auto row = static_cast<std::size_t>(own.rows()); row < table.epoch.size(); ++row) {
    own.epoch.push_back(table.epoch[row]);
    own.step.push_back(table.step[row]);
    for (std::size_t c = 0; c < own.columns.size(); ++c) own.columns[c].push_back(table.columns[c][row]);
  }
  write_ready_rows();
}

void MeanLog::finish(int expert) {
  const std::scoped_lock lock(mutex_);
  members_.at(expert).finished = true;
  write_ready_rows();
}

EpochTable MeanLog::reported(int expert) const {
  const std::scoped_lock lock(mutex_);
  return members_.at(expert).table;
}

EpochTable MeanLog::mean() const {
  const std::scoped_lock lock(mutex_);
  return mean_;
}

/// A row is ready when nobody who is still to report lacks it, and somebody has it.
void MeanLog::write_ready_rows() {
  std::int64_t least = std::numeric_limits<std::int64_t>::max(), most = 0;
  std::vector<const EpochTable*> tables;
  for (const auto& [expert, member] : members_) {
    tables.push_back(&member.table);
    most = std::max(most, member.table.rows());
    if (!member.finished) least = std::min(least, member.table.rows());
  }
  const std::int64_t ready = std::min(least, most);
  if (mean_.rows() >= ready) return;
  while (mean_.rows() < ready) {
    append_mean_row(tables, mean_);
    write_row(mean_.rows() - 1);
  }
  if (csv_) csv_->flush();
  if (events_) events_->flush();
}

void MeanLog::write_row(std::int64_t row) {
  if (!csv_) return;
  const auto at = static_cast<std::size_t>(row);
  const auto epoch = static_cast<std::int64_t>(mean_.epoch[at]);
  std::string line = text::cat(epoch, ",", static_cast<std::int64_t>(mean_.step[at]));
  for (std::size_t c = 0; c < mean_.columns.size(); ++c) {
    const double value = mean_.columns[c][at];
    line += ",";
    if (!std::isfinite(value)) continue;
    line += text::shortest(value);
    events_->scalar(epoch_columns()[c], epoch, static_cast<float>(value));
  }
  csv_->append(line + "\n");
}

}  // namespace thimble::neurotrigger
