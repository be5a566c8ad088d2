#include "apps/fenet/train/saver.h"

#include "core/base/error.h"
#include "core/base/text.h"

#include <algorithm>
#include <cmath>

namespace thimble::fenet {
namespace {

constexpr std::string_view kStep = "{step}";

bool worse(const Saver::Kept& a, const Saver::Kept& b) {
  return a.metric < b.metric;
}

}  // namespace

Saver::Saver(std::filesystem::path folder, std::string label, std::size_t most)
    : folder_(std::move(folder)), label_(std::move(label)), most_(most) {
  THIMBLE_CHECK(most_ > 0, config, "at least one weights file is kept");
}

std::string Saver::name(double metric, std::int64_t step) const {
  std::string label = label_;
  if (const std::size_t at = label.find(kStep); at != std::string::npos)
    label.replace(at, kStep.size(), std::to_string(step));
  return text::cat(label, "_step-", step, "_perf-", text::fixed(metric, 4), ".h5");
}

bool Saver::offer(double metric, std::int64_t step, const std::function<void(const std::filesystem::path&)>& write) {
  if (!std::isfinite(metric)) return false;
  if (kept_.size() == most_ && std::min_element(kept_.begin(), kept_.end(), worse)->metric > metric) return false;
  Kept entry{metric, step, folder_.empty() ? std::filesystem::path() : folder_ / name(metric, step)};
  if (!folder_.empty()) {
    std::filesystem::create_directories(folder_);
    write(entry.file);
  }
  kept_.push_back(std::move(entry));
  if (kept_.size() > most_) {
    const auto out = std::min_element(kept_.begin(), kept_.end(), worse);
    std::error_code ignored;
    if (!out->file.empty()) std::filesystem::remove(out->file, ignored);
    kept_.erase(out);
  }
  return true;
}

std::optional<Saver::Kept> Saver::best() const {
  if (kept_.empty()) return std::nullopt;
  const auto not_worse = [](const Kept& a, const Kept& b) { return a.metric <= b.metric; };
  const Kept* best = &kept_.front();
  for (const Kept& entry : kept_)
    if (not_worse(*best, entry)) best = &entry;
  return *best;
}

void Saver::restore(std::vector<Kept> kept) {
  kept_ = std::move(kept);
  std::error_code ignored;
  if (folder_.empty() || !std::filesystem::is_directory(folder_, ignored)) return;
  for (Kept& entry : kept_) entry.file = folder_ / name(entry.metric, entry.step);
  for (const auto& file : std::filesystem::directory_iterator(folder_, ignored)) {
    const auto same = [&](const Kept& entry) { return entry.file.filename() == file.path().filename(); };
    if (file.path().filename().string().starts_with(label_.substr(0, label_.find(kStep))) &&
        std::none_of(kept_.begin(), kept_.end(), same))
      std::filesystem::remove(file.path(), ignored);
  }
}

}  // namespace thimble::fenet
