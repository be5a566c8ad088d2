#include "nn/train/tensorboard.h"

#include "nn/train/state.h"

#include <algorithm>
#include <cmath>

namespace thimble::nn {
namespace {

bool due(std::int64_t every, std::int64_t count) {
  return every > 0 && count % every == 0;
}

}  // namespace

TensorBoard::TensorBoard(std::filesystem::path folder, Options options)
    : folder_(std::move(folder)), options_(std::move(options)) {}

/// Event files of the folder, oldest first.
std::vector<std::filesystem::path> TensorBoard::files() const {
  std::vector<std::filesystem::path> found;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, none))
    if (entry.path().filename().string().rfind("events.out.tfevents.", 0) == 0) found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

void TensorBoard::on_start(const TrainingView&) {
  if (writer_) return;
  std::error_code ignored;  // left by a training that was killed before its first checkpoint
  for (const auto& file : files()) std::filesystem::remove(file, ignored);
  writer_.emplace(folder_);
  for (const auto& [tag, value] : options_.first_scalars) writer_->scalar(tag, 0, value);
  if (options_.first_images)
    for (const Image& image : options_.first_images()) writer_->image(image.tag, 0, image.png);
}

void TensorBoard::on_step(const TrainingView& view) {
  if (due(options_.log_every, view.at.step)) writer_->scalar("loss", view.at.step, static_cast<float>(view.loss));
}

void TensorBoard::on_epoch(const TrainingView& view) {
  for (const auto& [name, value] : view.metrics)
    if (std::isfinite(value)) writer_->scalar(name, view.at.step, static_cast<float>(value));
  if (!options_.epoch_tag.empty()) writer_->scalar(options_.epoch_tag, view.at.step, static_cast<float>(view.at.epoch));
  if (due(options_.histograms_every, view.at.epoch))
    for (const NamedParameter& p : view.model->parameters)
      writer_->histogram(p.path, view.at.step, io::histogram_of(p.parameter->value));
  if (options_.images && due(options_.images_every, view.at.epoch))
    for (const Image& image : options_.images(view)) writer_->image(image.tag, view.at.epoch, image.png);
}

void TensorBoard::on_end(const TrainingView&) {
  writer_->flush();
}

void TensorBoard::save(State& state) {
  writer_->flush();
  state.set("length", writer_->length());
}

void TensorBoard::restore(const State& state) {
  const auto found = files();
  if (!found.empty())  // else somebody cleared the folder: a new file begins
    writer_.emplace(found.front(), static_cast<std::uint64_t>(state.integer("length")));
}

}  // namespace thimble::nn
