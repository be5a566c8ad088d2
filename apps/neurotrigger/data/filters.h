#pragma once
// Data set filters: each maps the whole data set (all experts) to a mask of rows to keep. Written in configurations
// as constructor calls, "ConCatFilter([Max2EventsFilter(), ExpertFilter(0)])"; never evaluated as code.

#include "apps/neurotrigger/data/dataset.h"

#include <string>
#include <string_view>
#include <vector>

namespace thimble::neurotrigger {

/// One entry per row, 1 = keep.
using Mask = std::vector<std::uint8_t>;

/// Every row.
Mask keep_all(const Dataset& data);
/// Rows of one expert; -1 keeps all.
Mask keep_expert(const Dataset& data, std::int64_t expert);
/// Rows of events that have at most two different targets. Events are told apart by number alone, as the original
/// does, or by experiment, run and number with `by_run`.
Mask keep_max2_events(const Dataset& data, bool by_run = false);
/// The first row of every (event, targets) combination.
Mask keep_first_of_target(const Dataset& data, bool by_run = false);
/// The first row of every event: its first reconstructed track.
Mask keep_first_of_event(const Dataset& data, bool by_run = false);
/// Row numbers -> mask of `rows` entries; repeats are harmless. Throws Error(config) for a number outside the rows.
Mask mask_of(const std::vector<std::int64_t>& ids, std::int64_t rows);
std::vector<std::int64_t> rows_of(const Mask& mask);

/// A filter text, checked against the grammar without data. Throws Error(config) with the column of the first fault;
/// `name` is the key it stands under.
void check_filter(std::string_view text, const std::string& name = "filter");
/// Mask of a filter text. An empty text keeps all rows; no rows have no mask, whatever the text.
Mask apply_filter(std::string_view text, const Dataset& data, const std::string& name = "filter");

}  // namespace thimble::neurotrigger
