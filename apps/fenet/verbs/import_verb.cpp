#include "core/base/error.h"

#include "apps/common/cli/context.h"
#include "apps/fenet/model/weights_file.h"
#include "apps/fenet/verbs/verbs.h"

#include <filesystem>

namespace thimble::fenet {
namespace {

namespace fs = std::filesystem;

std::vector<int> flag_numbers(const app::Context& context, const std::string& flag) {
  std::vector<int> out;
  if (!context.has(flag)) return out;
  for (const std::string& word : text::split(context.flag(flag), ',')) {
    std::int64_t number = 0;
    if (!text::parse(text::trim(word), number) || number < 0 || number > 4096)
      throw Error(ErrorKind::usage, text::cat("'", text::printable(word), "' is no whole number from 0 to 4096"),
                  {"", 0, 0, flag}, flag + " 3,2,2");
    out.push_back(static_cast<int>(number));
  }
  return out;
}

/// What the command line says about a shape that old files do not hold.
ShapeOverride given_shape(const app::Context& context) {
  ShapeOverride shape;
  if (context.has("--preset")) {
    const Architecture known = preset(context.flag("--preset"));
    shape.strides = known.strides;
    shape.relu_powers = known.relu_powers;
  }
  if (context.has("--strides")) shape.strides = flag_numbers(context, "--strides");
  if (context.has("--relus")) shape.relu_powers = flag_numbers(context, "--relus");
  if (context.has("--normalize")) shape.normalize_at_end = true;
  return shape;
}

template <class List>
std::string joined_numbers(const List& list) {
  std::vector<std::string> words;
  for (const auto& number : list) words.push_back(text::to_text(number));
  return text::join(words, ",");
}

void tell(app::Result& result, const WeightsFile& file) {
  const Architecture& shape = file.architecture;
  std::int64_t numbers = 0;
  for (const Tensor& filter : file.weights) numbers += filter.numel();
  result.line(text::cat(shape.kernels.size(), " levels: taps ", joined_numbers(shape.kernels), ", strides ",
                        joined_numbers(shape.strides), ", ", shape.features(), " features per channel"));
  result.line(text::cat(text::grouped(numbers), " weights, ", text::grouped(published_operations(shape)),
                        " operations per window of 900 samples, ",
                        shape.normalize_at_end ? "features normalised over the session" : "features not normalised"));
  if (!file.config.empty()) result.line(text::cat(file.config.size(), " settings came with them"));
  if (file.optimizer)
    result.line(text::cat("with the state of AdamW after ", file.optimizer->step, " steps, learning rate ",
                          file.optimizer->lr));
  result.metric("weights", static_cast<double>(numbers));
  result.metric("operations", static_cast<double>(published_operations(shape)));
}

int run_import(app::Context& context) {
  const WeightsFile file = read_weights(context.word(0), given_shape(context));
  const fs::path to = context.flag("--to");
  if (to.extension() != ".h5" && to.extension() != ".pt")
    throw Error(ErrorKind::usage, "the ending tells the form: .h5 or .pt", {to.string(), 0, 0, "--to"},
                "--to weights.h5");
  if (to.has_parent_path()) fs::create_directories(to.parent_path());
  write_weights(to, file);
  app::Result& result = context.result();
  result.file("weights", to.string());
  tell(result, file);
  result.line("weights: " + to.string());
  return 0;
}

}  // namespace

app::Verb import_verb() {
  app::Verb v;
  v.name = "import";
  v.group = "Work";
  v.summary = "weights of PyTorch to a weights file, without Python";
  v.run = run_import;
  v.operands = app::plain_operands("FILE", 1, 1);
  v.flags = {
      {"--to", "FILE", "file to write: .h5 (fenet-weights-1) or .pt (weights alone, for PyTorch)", "weights.h5", {}, 0},
      {"--preset", "NAME", "strides of this preset, for files without settings", "", presets(), 0},
      {"--strides", "LIST", "strides of all levels, as 3,2,2", "", {}, 0},
      {"--relus", "LIST", "powers p of all levels: a negative y counts as -y / 2^p", "", {}, 0},
      {"--normalize", "", "features are normalised over the session", "", {}, 0}};
  v.examples = {"thimble-fenet import checkpoint.pt --to weights.h5",
                "thimble-fenet import old.pt --preset db20 --normalize --to db20.h5"};
  v.more =
      "FILE is a checkpoint of PyTorch (a list of config, weights, optimiser and scheduler, its older forms, or a map "
      "of weights; filters may carry their old names hpf<i>, lpf<i>) or a weights file. A pickle is a program: this "
      "reader knows lists, maps, numbers, texts and float tensors, runs nothing, and refuses everything else. Use the "
      "result as model.weights=weights.h5.";
  return v;
}

}  // namespace thimble::fenet
