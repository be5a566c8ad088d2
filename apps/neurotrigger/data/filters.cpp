#include "apps/neurotrigger/data/filters.h"

#include "core/base/error.h"
#include "core/text/calls.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace thimble::neurotrigger {
namespace {

/// Event numbers are compared as the 32-bit floats that the original stores; run and experiment only on request.
using EventKey = std::tuple<float, std::int64_t, std::int64_t>;
using TargetKey = std::pair<float, float>;

EventKey event_key(const Origin& origin, bool by_run) {
  const float event = static_cast<float>(origin.event);
  return by_run ? EventKey{event, origin.run, origin.experiment} : EventKey{event, 0, 0};
}

TargetKey target_key(const Dataset& data, std::int64_t row) {
  const float* y = data.targets.data<float>() + 2 * row;
  return {y[0], y[1]};
}

Mask mask_of_call(const expr::Call& call, const Dataset& data);

bool flag_of(const expr::Call& call) {
  return call.arguments[0] && call.arguments[0]->boolean;
}

/// Rows that every filter of the list keeps.
Mask keep_common(const expr::Call& call, const Dataset& data) {
  Mask mask = keep_all(data);
  for (const expr::Call& filter : call.arguments[0]->calls) {
    const Mask other = mask_of_call(filter, data);
    for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = mask[i] != 0 && other[i] != 0;
  }
  return mask;
}

Mask keep_range(const expr::Call& call, const Dataset& data) {
  const expr::Integers& range = call.arguments[0]->range;
  THIMBLE_CHECK(range.count() <= data.rows(), config, "RangeFilter names ", range.count(), " rows, the data set has ",
                data.rows());
  return mask_of(range.values(), data.rows());
}

/// A filter of the grammar: how it is written, and its mask.
struct FilterKind {
  expr::Signature signature;
  Mask (*mask)(const expr::Call& call, const Dataset& data);
};

/// All filters. A new one is a line here.
const std::vector<FilterKind>& filter_kinds() {
  using expr::ArgumentType;
  static const expr::Parameter by_run{"by_run", ArgumentType::boolean, false};
  static const std::vector<FilterKind> kinds{
      {{"IdentityFilter", {}}, [](const expr::Call&, const Dataset& data) { return keep_all(data); }},
      {{"ExpertFilter", {{"expert", ArgumentType::integer}}},
       [](const expr::Call& call, const Dataset& data) { return keep_expert(data, call.arguments[0]->integer); }},
      {{"Max2EventsFilter", {by_run}},
       [](const expr::Call& call, const Dataset& data) { return keep_max2_events(data, flag_of(call)); }},
      {{"DuplicateEventsFilter", {by_run}},
       [](const expr::Call& call, const Dataset& data) { return keep_first_of_target(data, flag_of(call)); }},
      {{"FirstTrackFilter", {by_run}},
       [](const expr::Call& call, const Dataset& data) { return keep_first_of_event(data, flag_of(call)); }},
      {{"RangeFilter", {{"rng", ArgumentType::range}}}, keep_range},
      {{"ConCatFilter", {{"filters", ArgumentType::calls}}}, keep_common}};
  return kinds;
}

const expr::CallRules& filter_rules() {
  static const expr::CallRules list = [] {
    expr::CallRules r;
    for (const FilterKind& kind : filter_kinds()) r.signatures.push_back(kind.signature);
    r.prefix = "dataset_filters.";
    return r;
  }();
  return list;
}

/// The parser lets only known names through.
Mask mask_of_call(const expr::Call& call, const Dataset& data) {
  const std::vector<FilterKind>& kinds = filter_kinds();
  return std::find_if(kinds.begin(), kinds.end(),
                      [&](const FilterKind& kind) { return kind.signature.name == call.name; })
      ->mask(call, data);
}

}  // namespace

Mask keep_all(const Dataset& data) {
  return Mask(static_cast<std::size_t>(data.rows()), 1);
}

Mask keep_expert(const Dataset& data, std::int64_t expert) {
  Mask mask = keep_all(data);
  for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = expert == -1 || data.experts[i] == expert;
  return mask;
}

Mask keep_max2_events(const Dataset& data, bool by_run) {
  std::map<EventKey, std::set<TargetKey>> targets;
  for (std::int64_t i = 0; i < data.rows(); ++i)
    targets[event_key(data.origins[static_cast<std::size_t>(i)], by_run)].insert(target_key(data, i));
  Mask mask = keep_all(data);
  for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = targets[event_key(data.origins[i], by_run)].size() <= 2;
  return mask;
}

Mask keep_first_of_target(const Dataset& data, bool by_run) {
  std::set<std::pair<EventKey, TargetKey>> seen;
  Mask mask = keep_all(data);
  for (std::int64_t i = 0; i < data.rows(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    mask[at] = seen.emplace(event_key(data.origins[at], by_run), target_key(data, i)).second;
  }
  return mask;
}

Mask keep_first_of_event(const Dataset& data, bool by_run) {
  std::set<EventKey> seen;
  Mask mask = keep_all(data);
  for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = seen.insert(event_key(data.origins[i], by_run)).second;
  return mask;
}

Mask mask_of(const std::vector<std::int64_t>& ids, std::int64_t rows) {
  Mask mask(static_cast<std::size_t>(rows), 0);
  for (const std::int64_t id : ids) {
    THIMBLE_CHECK(id >= 0 && id < rows, config, "row ", id, " is outside the data set of ", rows, " rows");
    mask[static_cast<std::size_t>(id)] = 1;
  }
  return mask;
}

std::vector<std::int64_t> rows_of(const Mask& mask) {
  std::vector<std::int64_t> ids;
  for (std::size_t i = 0; i < mask.size(); ++i)
    if (mask[i] != 0) ids.push_back(static_cast<std::int64_t>(i));
  return ids;
}

void check_filter(std::string_view text, const std::string& name) {
  expr::parse_call(text, filter_rules(), name);
}

Mask apply_filter(std::string_view text, const Dataset& data, const std::string& name) {
  if (text.empty()) return keep_all(data);
  const expr::Call call = expr::parse_call(text, filter_rules(), name);
  return data.rows() == 0 ? Mask() : mask_of_call(call, data);  // a split without tracks has no row to name
}

}  // namespace thimble::neurotrigger
