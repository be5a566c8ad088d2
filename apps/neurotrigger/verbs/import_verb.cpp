#include "core/base/error.h"
#include "core/io/atomic_file.h"

#include "apps/common/cli/context.h"
#include "apps/neurotrigger/train/weights_flat.h"
#include "apps/neurotrigger/verbs/verbs.h"

#include <filesystem>

namespace thimble::neurotrigger {
namespace {

namespace fs = std::filesystem;

/// Content of a weight file by the ending of its name.
std::string written_as(const fs::path& to, const Networks& networks) {
  if (to.extension() == ".h5") return weights_hdf5(networks);
  if (to.extension() == ".txt") return flat_text(networks);
  if (to.extension() == ".json") return weights_json(networks);
  throw Error(ErrorKind::usage, "the ending tells the form: .json, .h5 or .txt", {to.string(), 0, 0, "--to"},
              "--to weights.json");
}

}  // namespace

int run_import(app::Context& context) {
  const Networks networks = read_any_weights(context.word(0));
  const fs::path to = context.flag("--to");
  const std::string content = written_as(to, networks);
  if (to.has_parent_path()) fs::create_directories(to.parent_path());
  io::atomic_replace(to, content);
  context.result().file("weights", to.string());
  for (const auto& [expert, state] : networks) {
    std::int64_t numbers = 0;
    for (const auto& [name, tensor] : state) numbers += tensor.numel();
    context.result().line(text::cat("expert ", expert, ": ", text::grouped(numbers), " numbers"));
  }
  context.result().line("weights: " + to.string());
  return 0;
}

}  // namespace thimble::neurotrigger
