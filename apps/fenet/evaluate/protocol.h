#pragma once
// How features are judged: contiguous folds of a session, in each PLS per channel and a decoder fitted on the other
// parts, metrics on the held-out part, means over folds.

#include "core/linalg/pls.h"

#include "apps/fenet/decode/decoder.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace thimble::fenet {

struct Protocol {
  std::int64_t folds = 10;
  linalg::PlsOptions pls;  // components 0: no reduction
  linalg::PlsApply apply = linalg::PlsApply::raw;
  std::int64_t pls_rows = 0;  // PLS is fitted on so many first rows, 0: all
  Tensor learned;             // [N, A] or [C, N, A]: this map in place of PLS; undefined: none
  DecoderKeys decoder;
  bool normalise = false;  // batch-normalise the columns first
  bool leak_free = false;  // with the statistics of the training rows of each fold only
};

/// A learned map as a reduction of C channels. Throws Error(data) unless it fits so many channels of `features`.
linalg::ChannelPls learned_reduction(const Tensor& map, std::int64_t channels, std::int64_t features);

/// What stands behind the features, fitted: reduction per channel and decoder.
struct Head {
  linalg::ChannelPls pls;  // components 0: no reduction
  linalg::PlsApply apply = linalg::PlsApply::raw;
  std::shared_ptr<const Decoder> decoder;
  Tensor reduce(const Tensor& features) const;
  /// [n, D] f64.
  Tensor predict(const Tensor& features) const;
};
/// Fits on normalised features [n, C * N] of consecutive segments and labels [n, D]. `starts`: rows at which a new run
/// of consecutive segments begins, for decoders with a memory.
Head fit_head(const Tensor& features, std::int64_t channels, const Tensor& labels, const Protocol& protocol,
              const std::vector<std::int64_t>& starts = {});

struct Scores {
  std::map<std::string, double> metrics;  // means over valid folds: "pearsonr2-x", "pearsonr2-xy-normed", ...
  std::vector<std::map<std::string, double>> folds;  // the same per fold; NaN where a fold has a constant axis
  std::int64_t invalid_folds = 0;
  Tensor predictions;  // [B, D] f64, every row by the decoder that did not see it
};

/// features [B, C * N] f32 or f64, labels [B, D]. Throws Error(data) for fewer rows than folds or unequal rows.
Scores judge(const Tensor& features, std::int64_t channels, const Tensor& labels, const Protocol& protocol);

}  // namespace thimble::fenet
