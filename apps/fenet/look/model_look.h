#pragma once
// Charts of a network: its weights, what flows through it, what goes into its decoder and comes out.

#include "apps/fenet/evaluate/protocol.h"
#include "apps/fenet/look/look.h"
#include "apps/fenet/look/view.h"

namespace thimble::fenet {

/// One row of the value map: how the values of a path of a level are distributed between their least and greatest.
struct ValueRow {
  std::string name;  // "level 1, feature"
  double least = 0, greatest = 0;
  std::int64_t count = 0;
  std::vector<double> shares;  // of its values, in equal steps from least to greatest
};
/// Values behind the activation (feature path) and the pass outputs of every level for windows [n, T].
std::vector<ValueRow> value_rows(const Network& network, const Tensor& windows, std::size_t bins = 15);

/// Weight histogram, decoder histograms and value map on the first session of `day`.
Look model_look(const Network& network, const DayFeatures& day, const Protocol& protocol);

}  // namespace thimble::fenet
