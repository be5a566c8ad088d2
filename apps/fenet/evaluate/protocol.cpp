#include "apps/fenet/evaluate/protocol.h"

#include "core/base/error.h"

#include "nn/data/split.h"

#include "apps/fenet/evaluate/criteria.h"
#include "apps/fenet/model/network.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace thimble::fenet {
namespace {

Tensor pick_rows(const Tensor& x, const nn::Rows& rows) {
  const Tensor out = Tensor::empty({static_cast<std::int64_t>(rows.size()), x.size(1)}, x.dtype());
  nn::gather_rows(x, rows, out);
  return out;
}

struct FoldData {
  Tensor train, test;  // features, normalised as the protocol says
};

FoldData fold_features(const Tensor& features, const nn::Split& split, const Protocol& protocol) {
  FoldData data{pick_rows(features, split.train), pick_rows(features, split.valid)};
  if (protocol.normalise && protocol.leak_free) {
    const ColumnStatistics statistics = column_statistics(data.train);
    data.train = normalise_columns(data.train, statistics);
    data.test = normalise_columns(data.test, statistics);
  }
  return data;
}

void check_shapes(const Tensor& features, std::int64_t channels, const Tensor& labels, const Protocol& protocol) {
  THIMBLE_CHECK(features.rank() == 2 && labels.rank() == 2, shape, "features ", features.shape(), " and labels ",
                labels.shape(), " must be tables");
  THIMBLE_CHECK(features.size(0) == labels.size(0), data, features.size(0), " rows of features, ", labels.size(0),
                " of labels");
  THIMBLE_CHECK(channels > 0 && features.size(1) % channels == 0, shape, features.size(1), " features of ", channels,
                " channels");
  if (features.size(0) < protocol.folds)
    throw Error(ErrorKind::data,
                text::cat("a session of ", features.size(0), " segments has no ", protocol.folds, " folds"),
                {"", 0, 0, "eval.folds"}, "use fewer folds or longer sessions");
}

}  // namespace

linalg::ChannelPls learned_reduction(const Tensor& map, std::int64_t channels, std::int64_t features) {
  const bool own = map.rank() == 3;
  const std::int64_t inputs = map.size(own ? 1 : 0), outputs = map.size(own ? 2 : 1), size = inputs * outputs;
  if (inputs != features || (own && map.size(0) != channels))
    throw Error(ErrorKind::data,
                text::cat("a learned reduction of shape ", map.shape(), " does not fit ", channels, " channels of ",
                          features, " features"),
                {"", 0, 0, "pls.learned"}, "pls.learned=shared fits any number of channels");
  linalg::ChannelPls out{channels,
                         inputs,
                         outputs,
                         Tensor::zeros({channels, inputs}, DType::f64),
                         Tensor::full({channels, inputs}, 1.0, DType::f64),
                         Tensor::empty({channels, inputs, outputs}, DType::f64)};
  const std::vector<double> values = map.to_vector();
  for (std::int64_t i = 0; i < channels * size; ++i)
    out.rotations.mut<double>()[i] = values[static_cast<std::size_t>(own ? i : i % size)];
  return out;
}

Head fit_head(const Tensor& features, std::int64_t channels, const Tensor& labels, const Protocol& protocol,
              const std::vector<std::int64_t>& starts) {
  Head head;
  head.apply = protocol.apply;
  if (protocol.learned.defined()) {
    head.apply = linalg::PlsApply::raw;
    head.pls = learned_reduction(protocol.learned, channels, features.size(1) / channels);
  } else if (protocol.pls.components > 0)
    head.pls = linalg::fit_channel_pls(features, channels, labels, protocol.pls,
                                       std::min(protocol.pls_rows, features.size(0)));
  head.decoder = fit_decoder(protocol.decoder, head.reduce(features), labels, starts);
  return head;
}

Tensor Head::reduce(const Tensor& features) const {
  return pls.components > 0 ? linalg::reduce(pls, features, apply) : features;
}

Tensor Head::predict(const Tensor& features) const {
  return decoder->predict(reduce(features));
}

Scores judge(const Tensor& given, std::int64_t channels, const Tensor& labels, const Protocol& protocol) {
  check_shapes(given, channels, labels, protocol);
  const Tensor features = protocol.normalise && !protocol.leak_free ? normalise_columns(given) : given;
  const nn::Rows rows = nn::all_rows(given.size(0));
  Scores scores;
  scores.predictions = Tensor::zeros(labels.shape(), DType::f64);
  for (std::int64_t fold = 0; fold < protocol.folds; ++fold) {
    const nn::Split split = nn::contiguous_fold(rows, protocol.folds, fold);
    const FoldData data = fold_features(features, split, protocol);
    // the training rows are two runs where the fold was cut out
    const Head head = fit_head(data.train, channels, pick_rows(labels, split.train), protocol, {split.valid.front()});
    const Tensor predicted = head.predict(data.test);
    copy_into(predicted, scores.predictions.rows(split.valid.front(), predicted.size(0)));
    scores.folds.push_back(criteria_of(pick_rows(labels, split.valid), predicted));
    if (!std::isfinite(scores.folds.back().at("pearsonr2-xy-normed"))) ++scores.invalid_folds;
  }
  scores.metrics = mean_over_valid(scores.folds).means;
  return scores;
}

}  // namespace thimble::fenet
