#pragma once
// What rounding costs: word lengths and fractions against the score of the decoder, day by day.

#include "core/report/figure.h"
#include "core/report/table.h"

#include "apps/fenet/evaluate/protocol.h"
#include "apps/fenet/hardware/hardware_subject.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace thimble::fenet {

/// Features of all segments in integers, as values: [B, C * N] f32, channel-major.
Tensor quantised_extract(const QuantisedNetwork& network, const SegmentSource& segments);

/// How a subject is judged: protocol of the settings, normalised if the network says so.
Protocol quantised_protocol(const HardwareSubject& subject);
/// With inputs, coefficients and intercepts of the decoder rounded too, if `quant.decoder` says so.
Protocol rounded_protocol(Protocol protocol, const QuantKeys& keys);

/// Criteria of one format under the names of the reference: `eval/quantized/wl=<wl> fl=<fl>/R²` (mean over the axes of
/// R2), the same for single axes (`.../R²-x`), and `eval/perf-cost-ratio/wl=<wl> fl=<fl>/R²`, a copy. Filters and
/// activations are rounded, reduction and decoder fitted again. NaN where labels or predictions of an axis are
/// constant.
std::map<std::string, double> quantisation_criterion(const Architecture& architecture, std::span<const Tensor> weights,
                                                     const std::vector<Session>& sessions, const Protocol& protocol,
                                                     const QuantKeys& keys);

/// The keys of quantisation_criterion.
std::vector<std::string> quantisation_keys(const QuantKeys& keys);

/// One format on one day.
struct QuantisedScore {
  std::string day;
  std::int64_t word_length = 0, fraction = 0;
  double unquantised = 0, quantised = 0;  // decoder-xy-avg-R2 of all held-out rows of a session, mean over the day
  double drop() const { return unquantised - quantised; }
  // squared correlation (pearsonr2-xy-normed) of every fold with a value, after and before rounding
  std::vector<double> folds, unquantised_folds;
};

/// Every day, every word length of keys.word_lengths, fractions 1 .. word length - 2, in that order. Formats run side
/// by side; the result does not depend on the number of threads. `advanced` is told after every format.
std::vector<QuantisedScore> quantise_sweep(const HardwareSubject& subject, const std::vector<Day>& days,
                                           const std::function<void()>& advanced = {});

/// Rows of a real format only: index, WordLen, fracLen, unQuantized_R2, Quantized_R2, day. The index has no name.
std::string sweep_csv(const std::vector<QuantisedScore>& scores);

/// The shortest word, then the smallest fraction, whose mean over days loses at most `tolerance` of the unquantised
/// score; nothing if none does.
struct FormatChoice {
  std::int64_t word_length = 0, fraction = 0;
  double unquantised = 0, quantised = 0;
};
std::optional<FormatChoice> shortest_format(const std::vector<QuantisedScore>& scores, double tolerance);

report::Table sweep_table(const std::vector<QuantisedScore>& scores);
/// Heat map over word length and fraction, and for the usual word lengths (8 to 11, or all if none of them was swept)
/// the bands over folds against the fraction.
std::vector<report::Figure> sweep_figures(const std::vector<QuantisedScore>& scores);

}  // namespace thimble::fenet
