#pragma once

#include "core/io/tfevents.h"

#include "nn/train/callback.h"

#include <map>

namespace thimble::nn {

/// Event file for TensorBoard: the loss of every `log_every`-th step, the metrics of every epoch, and on request
/// histograms of the parameters and images (whose step is the epoch). A resumed training goes on in the same file, cut
/// to its length in the checkpoint, so that no event stands there twice.
class TensorBoard : public Callback {
 public:
  struct Image {
    std::string tag;
    std::string png;
  };
  struct Options {
    std::int64_t log_every = 30;        // steps; 0: no losses of steps
    std::int64_t histograms_every = 0;  // epochs; 0: none
    std::int64_t images_every = 0;      // epochs; 0: none
    std::function<std::vector<Image>(const TrainingView&)> images = {};
    std::function<std::vector<Image>()> first_images = {};  // once, at step 0, before the first epoch
    std::map<std::string, float> first_scalars = {};        // the same for scalars
    std::string epoch_tag = {};  // scalar that tells the epoch beside the metrics of every epoch; empty: none
  };

  explicit TensorBoard(std::filesystem::path folder) : TensorBoard(std::move(folder), Options()) {}
  TensorBoard(std::filesystem::path folder, Options options);

  void on_start(const TrainingView& view) override;
  void on_step(const TrainingView& view) override;
  void on_epoch(const TrainingView& view) override;
  void on_end(const TrainingView& view) override;
  std::string state_name() const override { return "tensorboard"; }
  void save(State& state) override;
  void restore(const State& state) override;

 private:
  std::vector<std::filesystem::path> files() const;

  std::filesystem::path folder_;
  Options options_;
  std::optional<io::EventWriter> writer_;
};

}  // namespace thimble::nn
