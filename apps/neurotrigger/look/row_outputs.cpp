#include "apps/neurotrigger/look/row_outputs.h"

#include "core/base/text.h"

#include "apps/neurotrigger/data/scaling.h"
#include "apps/neurotrigger/run/run_files.h"

#include <algorithm>

namespace thimble::neurotrigger {
namespace {

report::Column number_column(const std::string& name, const std::string& unit = "") {
  report::Column column;
  column.name = name;
  column.unit = unit;
  return column;
}

double scaled_at(const Tensor& table, std::int64_t row, std::int64_t column) {
  return static_cast<double>(table.data<float>()[row * table.size(1) + column]);
}

report::Cell whole(std::int64_t value) {
  return text::to_text(value);
}

}  // namespace

RowOutputs row_outputs(const Splits& splits, const RunResult& run, Split split) {
  RowOutputs out;
  out.y_hat = outputs_in_order(splits, run, split, true);
  out.predicted.assign(static_cast<std::size_t>(splits[split].rows()), 0);
  for (const ExpertResult& expert : run.experts) {
    const SplitOutput& output = expert.outputs[static_cast<std::size_t>(split)];
    if (output.rows.empty()) continue;
    const Mask& mask = run.own_masks.at(expert.outcome.expert)[static_cast<std::size_t>(split)];
    for (const std::int64_t row : output.rows)
      out.predicted[static_cast<std::size_t>(row)] = mask[static_cast<std::size_t>(row)];
    out.columns = output.y_hat.size(1);
  }
  return out;
}

Compared compared_rows(const Dataset& data, const RowOutputs& outputs, const std::vector<std::int64_t>& rows) {
  return {gather_rows(data.targets, rows), gather_rows(outputs.y_hat, rows, outputs.columns),
          gather_rows(data.old, rows), data.has_old};
}

std::vector<WorstTrack> worst_tracks(const Dataset& data, const RowOutputs& outputs, std::size_t count) {
  std::vector<WorstTrack> tracks;
  for (const std::int64_t row : rows_of(outputs.predicted)) {
    double sum = 0;
    for (std::int64_t c = 0; c < outputs.columns; ++c) {
      const double d = scaled_at(data.targets, row, c) - scaled_at(outputs.y_hat, row, c);
      sum += d * d;
    }
    tracks.push_back({row, sum / static_cast<double>(outputs.columns)});
  }
  const auto worse = [](const WorstTrack& a, const WorstTrack& b) {
    return a.loss != b.loss ? a.loss > b.loss : a.row < b.row;
  };
  const auto end = tracks.begin() + static_cast<std::ptrdiff_t>(std::min(count, tracks.size()));
  std::partial_sort(tracks.begin(), end, tracks.end(), worse);
  tracks.erase(end, tracks.end());
  return tracks;
}

report::Table worst_table(const Dataset& data, const RowOutputs& outputs, const std::vector<WorstTrack>& worst) {
  const bool theta = outputs.columns > 1;
  report::Table table;
  table.title = "Tracks with the highest loss";
  table.note = "row: number of the track in the split, from 0, before any filter";
  table.columns = {
      number_column("row"),    number_column("run"),  number_column("event"),        number_column("track"),
      number_column("expert"), number_column("loss"), number_column("reco z", "cm"), number_column("network z", "cm")};
  if (theta)
    table.columns.insert(table.columns.end(),
                         {number_column("reco theta", "deg"), number_column("network theta", "deg")});
  if (data.has_old) table.columns.push_back(number_column("old z", "cm"));
  for (const WorstTrack& track : worst) {
    const Origin& origin = data.origins[static_cast<std::size_t>(track.row)];
    const auto z = [&](const Tensor& t) { return report::number(z_to_cm(scaled_at(t, track.row, 0)), 2); };
    const auto degrees = [&](const Tensor& t) {
      return report::number(theta_to_degrees(scaled_at(t, track.row, 1)), 2);
    };
    std::vector<report::Cell> row{whole(track.row),
                                  whole(origin.run),
                                  whole(origin.event),
                                  whole(origin.track),
                                  whole(data.experts[static_cast<std::size_t>(track.row)]),
                                  report::number(track.loss, 5),
                                  z(data.targets),
                                  z(outputs.y_hat)};
    if (theta) row.insert(row.end(), {degrees(data.targets), degrees(outputs.y_hat)});
    if (data.has_old) row.push_back(z(data.old));
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace thimble::neurotrigger
