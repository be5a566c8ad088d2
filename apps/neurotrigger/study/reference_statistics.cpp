#include "apps/neurotrigger/study/reference_statistics.h"

#include "core/base/error.h"
#include "core/io/json.h"

#include "apps/neurotrigger/data/kinematics.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

namespace thimble::neurotrigger {
namespace {

using StatisticsJson = nlohmann::ordered_json;

constexpr double kBinsPerUnit = 256.0;

/// Counts without the zeros at both ends.
StatisticsJson profile_json(const Profile& p) {
  const auto filled = [](std::int64_t n) { return n != 0; };
  const auto begin = std::find_if(p.counts.begin(), p.counts.end(), filled);
  const auto end = std::find_if(p.counts.rbegin(), p.counts.rend(), filled).base();
  const std::vector<std::int64_t> kept =
      begin < end ? std::vector<std::int64_t>(begin, end) : std::vector<std::int64_t>();
  return {{"first", begin - p.counts.begin()}, {"counts", kept}, {"sum_size", p.sum_size}};
}

Profile profile_of(const nlohmann::json& json) {
  Profile p;
  const auto first = json.at("first").get<std::int64_t>();
  const auto counts = json.at("counts").get<std::vector<std::int64_t>>();
  const auto fits = static_cast<std::int64_t>(Profile::kBins) - static_cast<std::int64_t>(counts.size());
  THIMBLE_CHECK(first >= 0 && (counts.empty() || first <= fits), data, "bins ", first, " and behind do not exist");
  for (std::size_t i = 0; i < counts.size(); ++i) {
    THIMBLE_CHECK(counts[i] >= 0, data, "a count is negative");
    p.counts[static_cast<std::size_t>(first) + i] = counts[i];
    p.total += counts[i];
  }
  p.sum_size = json.at("sum_size").get<double>();
  return p;
}

template <std::size_t N>
void read_counts(const nlohmann::json& json, const char* key, std::array<std::int64_t, N>& to) {
  const auto list = json.at(key).get<std::vector<std::int64_t>>();
  THIMBLE_CHECK(list.size() == N, data, "'", key, "' has ", list.size(), " numbers, expected ", N);
  std::copy(list.begin(), list.end(), to.begin());
}

std::int64_t events_of(const Dataset& data) {
  std::set<std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t>> keys;
  for (const Origin& o : data.origins) keys.insert({o.experiment, o.run, o.subrun, o.event});
  return static_cast<std::int64_t>(keys.size());
}

void add_track(ReferenceStatistics& s, const float* inputs, int expert) {
  for (std::size_t layer = 0; layer < kSuperLayers; ++layer) {
    if (!has_hit(inputs, layer)) continue;
    const float* hit = inputs + 3 * layer;
    ++s.hits[layer];
    if (hit[1] == 0.0f) ++s.unknown_side[layer];
    for (std::size_t i = 0; i < 3; ++i) s.inputs[3 * layer + i].add(static_cast<double>(hit[i]));
  }
  if (expert >= 0) ++s.experts.at(static_cast<std::size_t>(expert));
}

}  // namespace

void Profile::add(double value) {
  const double place = std::clamp(std::floor((value + 1.0) * kBinsPerUnit + 0.5), 0.0, static_cast<double>(kBins - 1));
  ++counts[static_cast<std::size_t>(place)];
  ++total;
  sum_size += std::abs(value);
}

Maybe Profile::mean_size() const {
  return total == 0 ? Maybe() : Maybe(sum_size / static_cast<double>(total));
}

ReferenceStatistics statistics_of(const Dataset& data, const std::vector<std::int64_t>& rows, const Tensor& y_hat) {
  const std::int64_t width = data.inputs.size(1);
  ReferenceStatistics s;
  s.tracks = data.rows();
  s.events = events_of(data);
  s.inputs.resize(kInputs);
  for (std::int64_t row = 0; row < data.rows(); ++row)
    add_track(s, data.inputs.data<float>() + row * width, data.experts[static_cast<std::size_t>(row)]);
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::int64_t c = 0; c < std::min<std::int64_t>(2, y_hat.size(1)); ++c)
      s.outputs[static_cast<std::size_t>(c)].add(
          static_cast<double>(y_hat.data<float>()[static_cast<std::int64_t>(i) * y_hat.size(1) + c]));
  return s;
}

ReferenceStatistics training_statistics(const Splits& splits, const RunResult& run) {
  std::vector<std::int64_t> rows;
  std::vector<float> values;
  std::int64_t width = 2;
  for (const ExpertResult& expert : run.experts) {
    const SplitOutput& output = expert.outputs[static_cast<std::size_t>(Split::train)];
    if (output.rows.empty()) continue;
    width = output.y_hat.size(1);
    rows.insert(rows.end(), output.rows.begin(), output.rows.end());
    values.insert(values.end(), output.y_hat.data<float>(), output.y_hat.data<float>() + output.y_hat.numel());
  }
  return statistics_of(splits[Split::train], rows,
                       Tensor::from(values, {static_cast<std::int64_t>(rows.size()), width}));
}

std::string statistics_json(const ReferenceStatistics& s) {
  StatisticsJson json = {{"format", 1},          {"tracks", s.tracks}, {"events", s.events},
                         {"experts", s.experts}, {"hits", s.hits},     {"unknown_side", s.unknown_side}};
  for (const Profile& p : s.inputs) json["inputs"].push_back(profile_json(p));
  for (const Profile& p : s.outputs) json["outputs"].push_back(profile_json(p));
  return io::json_text(json) + "\n";
}

ReferenceStatistics read_statistics(const std::filesystem::path& file) {
  const nlohmann::json json = io::read_json(file);
  try {
    ReferenceStatistics s;
    THIMBLE_CHECK(json.at("format") == 1, data, "another format");
    s.tracks = json.at("tracks").get<std::int64_t>();
    s.events = json.at("events").get<std::int64_t>();
    read_counts(json, "experts", s.experts);
    read_counts(json, "hits", s.hits);
    read_counts(json, "unknown_side", s.unknown_side);
    THIMBLE_CHECK(json.at("inputs").size() == kInputs && json.at("outputs").size() == 2, data,
                  "another number of inputs or outputs");
    for (const auto& p : json.at("inputs")) s.inputs.push_back(profile_of(p));
    for (std::size_t c = 0; c < 2; ++c) s.outputs[c] = profile_of(json.at("outputs").at(c));
    return s;
  } catch (const std::exception& e) {
    throw Error(ErrorKind::data, text::cat("no statistics of training tracks: ", e.what()),
                {file.string(), 0, 0, "inputs"}, "the run writes it when training ends");
  }
}

}  // namespace thimble::neurotrigger
