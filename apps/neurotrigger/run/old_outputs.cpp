#include "apps/neurotrigger/run/old_outputs.h"

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/io/sealed.h"

#include "apps/common/run/run_folder.h"

#include <algorithm>

namespace thimble::neurotrigger {
namespace {

namespace fs = std::filesystem;

fs::path outputs_file(const fs::path& run, Split split) {
  return run / text::cat("prediction_random", static_cast<int>(split) + 1, ".h5");
}

[[noreturn]] void refuse_run(const std::string& message, const fs::path& file, const std::string& hint) {
  throw Error(ErrorKind::config, message, {file.string(), 0, 0, "compare_to"}, hint);
}

struct StoredOutputs {
  std::vector<std::int64_t> rows;
  Tensor y_hat;  // [rows, 1 or 2]
};

StoredOutputs read_outputs(const fs::path& file, const Dataset& data) {
  const io::SealedFile stored = io::SealedFile::open(file);
  StoredOutputs out{stored.integers("/idx"), stored.read("/y_hat")};
  const bool fits =
      stored.text_attribute("/", "tracks") == content_hash(data) && out.y_hat.shape().rank() == 2 &&
      out.y_hat.size(0) == static_cast<std::int64_t>(out.rows.size()) && out.y_hat.size(1) <= 2 &&
      std::all_of(out.rows.begin(), out.rows.end(), [&](std::int64_t row) { return row >= 0 && row < data.rows(); });
  if (!fits)
    refuse_run("the run to compare with was made on other tracks", file,
               "compare runs on the same data, or leave compare_to out: compare_to=null");
  return out;
}

/// Rows of configured experts that have no stored output.
std::int64_t rows_without(const StoredOutputs& stored, const Settings& settings, const Dataset& data) {
  std::vector<char> has(static_cast<std::size_t>(data.rows()), 0);
  for (const std::int64_t row : stored.rows) has[static_cast<std::size_t>(row)] = 1;
  std::int64_t missing = 0;
  for (const std::int64_t expert : settings.experts)
    for (const std::int64_t row : data.rows_of(static_cast<int>(expert)))
      missing += has[static_cast<std::size_t>(row)] == 0 ? 1 : 0;
  return missing;
}

void tell_gaps(const Settings& settings, const Dataset& data, const StoredOutputs& stored, Split split,
               const fs::path& file) {
  const std::int64_t missing = rows_without(stored, settings, data);
  const bool no_theta = settings.out_size == 2 && stored.y_hat.size(1) == 1;
  if (missing == 0 && !no_theta) return;
  const std::string what = no_theta ? "no theta"
                                    : text::cat("nothing for ", text::grouped(missing), " ", name_of(split),
                                                " tracks of the configured experts");
  if (!data.has_old)
    refuse_run(text::cat("the run to compare with has ", what, ", and these tracks have no old network"), file,
               no_theta ? "compare with a run of out_size 2, or set out_size=1" : "name only the experts it trained");
  log::warning("compare_to: ", *settings.compare_to, " has ", what, "; the old network of the track file stands there");
}

void replace_old(const StoredOutputs& stored, Dataset& data) {
  const std::int64_t width = stored.y_hat.size(1);
  Tensor old = data.old.clone();
  for (std::size_t i = 0; i < stored.rows.size(); ++i)
    std::copy_n(stored.y_hat.data<float>() + static_cast<std::int64_t>(i) * width, width,
                old.mut<float>() + 2 * stored.rows[i]);
  data.old = old;
  data.has_old = true;
}

}  // namespace

fs::path find_compared_run(const Settings& settings) {
  fs::path run;
  try {
    run = app::find_run(*settings.compare_to, settings.out, "neurotrigger");
  } catch (const Error& e) {
    throw Error(ErrorKind::config, text::cat("compare_to: ", e.message()), {"", 0, 0, "compare_to"}, e.hint());
  }
  for (const Split split : {Split::train, Split::val})
    if (!fs::exists(outputs_file(run, split)))
      refuse_run("compare_to: the run has no stored outputs", outputs_file(run, split),
                 "it may have failed or be under way; compare with a finished run");
  return run;
}

void join_old_outputs(const Settings& settings, const fs::path& run, Splits& splits) {
  std::array<std::optional<StoredOutputs>, 3> stored;
  for (const Split split : kSplits) {
    if (splits[split].rows() == 0) continue;
    const fs::path file = outputs_file(run, split);
    if (!fs::exists(file)) {
      log::warning("compare_to: ", *settings.compare_to, " has no outputs for the ", name_of(split), " tracks");
      continue;
    }
    auto& own = stored[static_cast<std::size_t>(split)].emplace(read_outputs(file, splits[split]));
    tell_gaps(settings, splits[split], own, split, file);
  }
  for (const Split split : kSplits)
    if (const auto& own = stored[static_cast<std::size_t>(split)]) replace_old(*own, splits[split]);
}

}  // namespace thimble::neurotrigger
