#include "nn/train/csv_log.h"

#include "nn/train/state.h"

#include <cmath>

namespace thimble::nn {
namespace {

/// A number, or nothing where there is none.
std::string cell(const double* value) {
  return value && std::isfinite(*value) ? text::shortest(*value) : std::string();
}

}  // namespace

MetricsCsv::MetricsCsv(const std::filesystem::path& file, std::vector<std::string> columns, std::int64_t log_every)
    : file_(file), columns_(std::move(columns)), log_every_(log_every) {}

void MetricsCsv::on_start(const TrainingView&) {
  if (begun_) return;
  begun_ = true;
  file_.truncate(0);  // rows of a training that was killed before its first checkpoint
  std::string header = "epoch,step,loss";
  for (const std::string& column : columns_) header += "," + column;
  file_.append(header + "\n");
}

void MetricsCsv::on_step(const TrainingView& view) {
  if (log_every_ > 0 && view.at.step % log_every_ == 0) row(view, &view.loss);
}

void MetricsCsv::on_epoch(const TrainingView& view) {
  row(view, nullptr);
}

void MetricsCsv::row(const TrainingView& view, const double* loss) {
  std::string line = text::cat(view.at.epoch, ",", view.at.step, ",", cell(loss));
  for (const std::string& column : columns_) line += "," + (loss ? std::string() : cell(view.metrics.find(column)));
  file_.append(line + "\n");
}

void MetricsCsv::on_end(const TrainingView&) {
  file_.flush();
}

void MetricsCsv::save(State& state) {
  file_.sync();
  state.set("length", file_.length());
}

void MetricsCsv::restore(const State& state) {
  file_.truncate(static_cast<std::uint64_t>(state.integer("length")));
  begun_ = true;
}

TimingCsv::TimingCsv(const std::filesystem::path& file) : file_(file) {
  if (file_.length() == 0) file_.append("epoch,step,seconds,rows_per_second\n");
}

void TimingCsv::on_start(const TrainingView&) {
  start_ = last_ = std::chrono::steady_clock::now();
}

void TimingCsv::on_epoch(const TrainingView& view) {
  const auto now = std::chrono::steady_clock::now();
  const std::chrono::duration<double> total = now - start_, epoch = now - last_;
  const double rate = static_cast<double>(view.rows_seen) / std::max(epoch.count(), 1e-9);
  file_.append(
      text::cat(view.at.epoch, ",", view.at.step, ",", text::fixed(total.count(), 6), ",", text::fixed(rate, 0), "\n"));
  last_ = now;
}

void TimingCsv::on_end(const TrainingView&) {
  file_.flush();
}

}  // namespace thimble::nn
