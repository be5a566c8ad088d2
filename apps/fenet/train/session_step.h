#pragma once
// One training step on one session: features of all its segments, PLS and decoder fitted to them, the loss of the
// decoder, and its gradient with respect to the filters. The fits are constants of the gradient.

#include "core/kernels/wavelet_memory.h"
#include "core/linalg/least_squares.h"
#include "core/linalg/pls.h"

#include "nn/parameter.h"

#include "apps/fenet/data/session.h"
#include "apps/fenet/model/network.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace thimble::fenet {

/// What stands behind the features in training.
struct LossKeys {
  bool normalise = false;
  linalg::PlsOptions pls;  // components 0: no reduction
  linalg::PlsApply apply = linalg::PlsApply::raw;
  Tensor learned = {};  // [N, A] or [C, N, A]: this map in place of PLS
};

struct LossResult {
  double loss = 0;    // mean over all entries of (prediction - label)^2
  Tensor d_features;  // its gradient, in shape and dtype of the features
  Tensor reduced;     // [B, m] what the decoder gets
  Tensor predicted;   // [B, D] f64
  Tensor d_learned;   // gradient with respect to LossKeys::learned, f64 in its shape
  linalg::ChannelPls pls;
  linalg::LinearFit decoder;
  ColumnStatistics statistics;  // of the features, when they are normalised
};

/// features [B, C * N] f32 or f64 as they come from the filters, labels [B, D].
LossResult decoder_loss(const Tensor& features, std::int64_t channels, const Tensor& labels, const LossKeys& keys);
/// The same with the statistics and fits of `fitted`, all constants: for some rows of the session.
LossResult fixed_loss(const LossResult& fitted, const Tensor& features, const Tensor& labels, const LossKeys& keys);

/// Throws Error(failed) when filters have grown beyond what can be decoded; `where` is told.
void check_features(const Tensor& features, const std::string& where);

struct StepOptions {
  kernels::WaveletChain chain;
  kernels::WaveletGrid grid = {};  // on: through the rounding, gradients straight through it
  LossKeys loss;
  double dropout = 0;
  Stream random = Stream(0);                                      // dropout masks
  double weight_penalty = 0, range_penalty = 0, range_limit = 1;  // added to the loss: see TrainKeys
};

/// What a step may keep between features and gradients of a session in memory. Enough for 40000 windows of 900 samples
/// (200 segments of 200 channels), which take 144 MB themselves; beyond it the gradient recomputes.
inline constexpr std::int64_t kKeptBytes = std::int64_t{256} << 20U;

class SessionStep {
 public:
  /// `filters`: feature filter, then pass filter of every level, all f32 or all f64; `reduction`: a learned map in
  /// place of PLS, or null. They must outlive this object.
  SessionStep(StepOptions options, std::vector<nn::Parameter*> filters, nn::Parameter* reduction = nullptr);

  /// Writes the gradients of the filters and returns the loss. `number` of the step addresses the dropout masks. The
  /// segments are read twice, a block at a time, unless they lie in memory; that changes no bit.
  double operator()(const SegmentSource& segments, const Tensor& labels, std::uint64_t number);
  /// The fits are made once to the whole session; then the filters take one step per random mini-batch of `batch`
  /// segments (`update` is called after each gradient), with fits and normalisation held fixed. Returns the mean loss
  /// of the mini-batches.
  double decoupled(const SegmentSource& segments, const Tensor& labels, std::uint64_t number, std::int64_t batch,
                   const std::function<void()>& update);
  /// Of the last call.
  const LossResult& result() const { return result_; }

 private:
  std::vector<Tensor> weights() const;
  Tensor features(const SegmentSource& segments, std::uint64_t number, kernels::WaveletMemory* memory) const;
  /// Features of which gradient() follows.
  Tensor features_to_train(const SegmentSource& segments, std::uint64_t number);
  void gradient(const SegmentSource& segments, std::uint64_t number);
  double penalties();
  LossKeys loss_keys() const;
  kernels::WaveletDropout dropout(std::uint64_t number, std::int64_t first_window) const;
  DType dtype() const { return filters_.front()->value.dtype(); }

  StepOptions options_;
  std::vector<nn::Parameter*> filters_;
  nn::Parameter* reduction_;
  LossResult result_;
  kernels::WaveletMemory memory_;
};

/// Segments per block of a session with so many channels: whole blocks of kernels::kWaveletBlock windows, so that sums
/// of gradients do not depend on where a session is cut.
std::int64_t aligned_block_segments(std::int64_t channels, std::int64_t samples);

}  // namespace thimble::fenet
