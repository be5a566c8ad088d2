#include "apps/fenet/sweep/best_of.h"

#include "core/base/error.h"

#include "apps/fenet/model/weights_file.h"

#include <algorithm>
#include <optional>

namespace thimble::fenet {
namespace {

constexpr std::string_view kMark = "_perf-";

bool is_weights(const std::filesystem::path& file) {
  const std::string ending = file.extension().string();
  return ending == ".h5" || ending == ".pt" || ending.empty() ||
         file.filename().string().find(kMark) != std::string::npos;
}

/// "fold5-step56_step-56_perf-0.3886.h5" -> 0.3886. The published program writes names without an ending.
std::optional<double> performance_of(const std::filesystem::path& file) {
  std::string name = file.filename().string();
  for (const char* ending : {".h5", ".pt"})
    if (name.ends_with(ending)) name.resize(name.size() - std::string_view(ending).size());
  const std::size_t at = name.rfind(kMark);
  double value = 0;
  if (at == std::string::npos || !text::parse(name.substr(at + kMark.size()), value)) return std::nullopt;
  return value;
}

SavedWeights opened(const std::filesystem::path& file, double performance) {
  const Architecture a = read_weights(file).architecture;
  std::vector<std::string> levels;
  for (std::size_t i = 0; i < a.kernels.size(); ++i) levels.push_back(text::cat(a.kernels[i], "/", a.strides[i]));
  return {file, performance, text::join(levels, " "), published_operations(a), exact_macs(a)};
}

}  // namespace

BestOf best_of(const std::filesystem::path& folder, nn::Goal goal) {
  if (!std::filesystem::is_directory(folder))
    throw Error(ErrorKind::io, "there is no such folder", {folder.string(), 0, 0, ""}, "--best-of FOLDER");
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file() && is_weights(entry.path())) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  BestOf found;
  for (const auto& file : files) {
    const auto performance = performance_of(file);
    if (!performance) {
      ++found.nameless;
      continue;
    }
    try {
      found.files.push_back(opened(file, *performance));
    } catch (const Error& error) {
      found.unreadable.push_back(text::cat(file.string(), ": ", error.message()));
    }
  }
  if (found.files.empty())
    throw Error(ErrorKind::data, "no weights file here has a metric in its name", {folder.string(), 0, 0, ""},
                "names end in _perf-0.5353.h5, as train and sweep write them");
  std::stable_sort(found.files.begin(), found.files.end(), [goal](const SavedWeights& a, const SavedWeights& b) {
    return goal == nn::Goal::max ? a.performance > b.performance : a.performance < b.performance;
  });
  return found;
}

report::Table best_table(const BestOf& found, std::size_t most) {
  report::Table table;
  table.title = "Saved weights, best first";
  for (const char* name : {"rank", "metric", "operations", "MACs", "taps/stride", "file"}) {
    report::Column column;
    column.name = name;
    column.left = table.columns.size() >= 4;
    table.columns.push_back(column);
  }
  for (std::size_t i = 0; i < std::min(most, found.files.size()); ++i) {
    const SavedWeights& one = found.files[i];
    table.rows.push_back({text::to_text(i + 1), report::number(one.performance, 4, i == 0),
                          text::to_text(one.operations), text::to_text(one.macs), one.architecture, one.file.string()});
  }
  return table;
}

}  // namespace thimble::fenet
