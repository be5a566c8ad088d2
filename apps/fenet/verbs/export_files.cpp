// Targets weights and ndt of the verb export: files for other programs.
#include "core/base/error.h"
#include "core/io/npy.h"

#include "apps/common/cli/context.h"
#include "apps/fenet/data/recordings.h"
#include "apps/fenet/hardware/hardware_subject.h"
#include "apps/fenet/model/weights_file.h"
#include "apps/fenet/run/outputs.h"
#include "apps/fenet/run/run_access.h"
#include "apps/fenet/verbs/verbs.h"

#include <algorithm>
#include <filesystem>

namespace thimble::fenet {
namespace {

namespace fs = std::filesystem;

const std::vector<Tensor>& filters_of(const HardwareSubject& subject) {
  if (subject.weights.empty())
    throw Error(ErrorKind::usage, "this file holds integers alone", {subject.name, 0, 0, {}},
                "export the weights they were made from");
  return subject.weights;
}

bool is_preset(const std::string& word) {
  return std::find(presets().begin(), presets().end(), word) != presets().end();
}

/// Files and runs keep their settings; presets have none.
WeightsFile weights_to_export(const app::Context& context) {
  const std::string word = context.word(0);
  if (!word.empty() && !fs::is_regular_file(word) && !is_preset(word))
    return read_weights(open_run(context).folder / "weights.h5");
  const HardwareSubject subject = open_hardware_subject(context);
  filters_of(subject);
  if (!is_preset(word)) return read_weights(word);
  return {subject.architecture, subject.weights, {}, std::nullopt};
}

/// All sessions of all splits in order.
std::vector<Session> all_sessions_of(const Settings& settings) {
  const Recordings recordings = load_recordings(settings);
  std::vector<Session> out;
  for (const auto* days : {&recordings.train, &recordings.dev, &recordings.test})
    for (Session& session : sessions_of(*days)) out.push_back(std::move(session));
  return out;
}

}  // namespace

int export_weights(app::Context& context) {
  const WeightsFile file = weights_to_export(context);
  const fs::path to = context.flags().out.value_or("weights.h5");
  if (to.extension() != ".h5" && to.extension() != ".pt")
    throw Error(ErrorKind::usage, "the ending tells the form: .h5 or .pt", {to.string(), 0, 0, "--out"},
                "--out weights.h5");
  if (!context.flags().dry_run) {
    if (to.has_parent_path()) fs::create_directories(to.parent_path());
    write_weights(to, file);
  }
  context.result().file("weights", to.string());
  context.result().line("weights: " + to.string());
  return 0;
}

int export_ndt(app::Context& context) {
  const HardwareSubject subject = open_hardware_subject(context);
  const std::string what = context.flag("--what").empty() ? "reduced" : context.flag("--what");
  Settings settings = subject.settings;
  settings.model.normalize_at_end = settings.model.normalize_at_end || subject.architecture.normalize_at_end;
  settings.pls.dims = std::min(settings.pls.dims, subject.architecture.features());
  use_threads(settings);
  const std::vector<Session> sessions = all_sessions_of(settings);
  if (sessions.empty()) throw Error(ErrorKind::data, "the recordings hold no session", {"", 0, 0, "data.train"});
  const fs::path folder = context.flags().out.value_or("ndt");
  if (!context.flags().dry_run) fs::create_directories(folder);
  Network network(subject.architecture, sessions.front().segments->samples());
  network.set_weights(filters_of(subject));
  if (subject.reduction.defined()) network.set_reduction(subject.reduction);
  for (std::size_t i = 0; i < sessions.size(); ++i) {
    const Tensor table = session_outputs(network, sessions[i], protocol_of(settings), what).to(DType::f32);
    const fs::path outputs = folder / text::cat("gitignoreme_outputs_day", i, ".npy"),
                   labels = folder / text::cat("gitignoreme_labels_day", i, ".npy");
    if (!context.flags().dry_run) {
      io::write_npy(outputs, io::Array(table));
      io::write_npy(labels, io::Array(sessions[i].labels));
    }
    context.result().file(outputs.filename().string(), outputs.string());
    context.result().file(labels.filename().string(), labels.string());
    context.result().line(text::cat(outputs.string(), ": ", what, " of ", sessions[i].name, ", ", table.shape()));
  }
  return 0;
}

}  // namespace thimble::fenet
