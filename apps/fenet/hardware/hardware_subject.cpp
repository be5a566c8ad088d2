#include "apps/fenet/hardware/hardware_subject.h"

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/io/array.h"

#include "apps/common/config/load.h"
#include "apps/fenet/data/recordings.h"
#include "apps/fenet/model/weights_file.h"
#include "apps/fenet/run/run_access.h"

#include <algorithm>

namespace thimble::fenet {

namespace fs = std::filesystem;

namespace {

Settings file_settings(const app::Context& context) {
  return bind_settings(app::load_config("{}", context.all_overrides(), load_options()));
}

/// Word length and fraction of a file of words win over those of the settings.
HardwareSubject from_words(const fs::path& file, const app::Context& context) {
  HardwareSubject out;
  out.settings = file_settings(context);
  out.words = read_quantised(file);
  out.name = out.words->name;
  out.settings.quant.word_length = out.words->chain.activations.w;
  out.settings.quant.fraction = out.words->chain.activations.f;
  return out;
}

HardwareSubject from_weights(const fs::path& file, const app::Context& context) {
  WeightsFile weights = read_weights(file);
  HardwareSubject out{
      file.stem().string(), file_settings(context), weights.architecture, std::move(weights.weights), {}};
  out.reduction = weights.reduction;
  if (out.name.rfind("weights_", 0) == 0) out.name = out.name.substr(8);
  return out;
}

/// The best weights of a run, with its settings.
HardwareSubject from_run(const app::Context& context) {
  const OldRun run = open_run(context);
  const fs::path file = run.folder / "weights.h5";
  THIMBLE_CHECK(fs::is_regular_file(file), data, "the run ", run.folder.string(), " holds no weights.h5 yet");
  WeightsFile weights = read_weights(file);
  return {run.name, run.settings, weights.architecture, std::move(weights.weights), {}, weights.reduction};
}

HardwareSubject from_preset(const std::string& name, const app::Context& context) {
  HardwareSubject out{name, file_settings(context), preset(name), {}, {}};
  Network network(out.architecture);
  initialise(network.graph, out.architecture);
  out.weights = network.weights();
  return out;
}

}  // namespace

QuantisedNetwork HardwareSubject::quantised() const {
  if (words) return *words;
  if (settings.quant.rounding == "stochastic")
    throw Error(ErrorKind::config, "a stochastic rounding is chosen by its score on data", {"", 0, 0, "quant.rounding"},
                "thimble-fenet quantise writes the best one as qfe_net.h5; export that file");
  return quantise_network(name, architecture, weights, settings.quant);
}

HardwareSubject open_hardware_subject(const app::Context& context) {
  const std::string word = context.word(0);
  if (word.empty())
    throw Error(ErrorKind::usage, "which network?", {}, "a run, weights.h5, qfe_net.h5, or a preset: efficient");
  const fs::path path(word);
  if (fs::is_regular_file(path))
    return is_quantised_file(path) ? from_words(path, context) : from_weights(path, context);
  const auto& known = presets();
  if (std::find(known.begin(), known.end(), word) != known.end()) return from_preset(word, context);
  return from_run(context);
}

std::vector<Day> subject_days(const Settings& settings) {
  Recordings recordings = load_recordings(settings.data, settings.synth, settings.seed);
  return recordings.test.empty() ? recordings.train : recordings.test;
}

Chunks first_chunks(const std::vector<Day>& days, const std::string& day, std::int64_t count) {
  std::vector<std::string> names;
  for (const Day& one : days) {
    names.push_back(one.name);
    if (!day.empty() && one.name != day) continue;
    const Session& session = one.sessions.at(0);
    const std::int64_t n = std::min(count, session.segments->segments());
    Chunks out{one.name, Tensor::empty({n, session.segments->channels(), session.segments->samples()}),
               session.labels.rows(0, n)};
    session.segments->read(0, out.x);
    return out;
  }
  const std::string near = text::nearest(day, names);
  throw Error(ErrorKind::usage, text::cat("there is no day '", text::printable(day), "'"), {"", 0, 0, "--day"},
              near.empty() ? text::cat("days: ", text::join(names, ", ")) : text::cat("did you mean ", near, "?"));
}

hw::Vectors recorded_windows(const std::vector<Day>& days, const QuantKeys& keys, std::size_t count) {
  hw::Vectors out;
  for (const Day& day : days)
    for (const Session& session : day.sessions) {
      const SegmentSource& source = *session.segments;
      out.width = static_cast<std::size_t>(source.samples());
      const std::int64_t block = block_segments(source.channels(), source.samples());
      for (std::int64_t first = 0; first < source.segments() && out.rows() < count; first += block) {
        const auto missing = static_cast<std::int64_t>(count - out.rows());
        const std::int64_t wanted = (missing + source.channels() - 1) / source.channels();
        const Tensor x =
            Tensor::empty({std::min({block, source.segments() - first, wanted}), source.channels(), source.samples()});
        source.read(first, x);
        for (const double value : io::Array(x).doubles()) out.data.push_back(quantised_value(value, keys));
      }
    }
  out.data.resize(std::min(out.data.size(), count * out.width));
  return out;
}

}  // namespace thimble::fenet
