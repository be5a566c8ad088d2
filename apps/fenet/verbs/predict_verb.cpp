#include "core/base/error.h"
#include "core/io/atomic_file.h"
#include "core/io/hdf5.h"
#include "core/io/npy.h"

#include "apps/common/cli/context.h"
#include "apps/fenet/evaluate/criteria.h"
#include "apps/fenet/run/outputs.h"
#include "apps/fenet/run/subject.h"
#include "apps/fenet/train/fold_training.h"
#include "apps/fenet/verbs/verbs.h"

#include <filesystem>

namespace thimble::fenet {
namespace {

namespace fs = std::filesystem;

/// What is written of one session: [B, columns].
Tensor outputs_of(const Settings& settings, const JudgedSession& s, const std::string& what) {
  Network network(architecture_of(settings), s.session.segments->samples());
  network.set_weights(s.fold->weights);
  return session_outputs(network, s.session, protocol_of(settings), what);
}

std::vector<std::string> names_of_columns(const JudgedSession& s, const std::string& what, std::int64_t count) {
  std::vector<std::string> names;
  const std::int64_t channels = s.session.segments->channels(), each = what == "predictions" ? 1 : count / channels;
  const char* letter = what == "reduced" ? "_d" : "_f";
  for (std::int64_t i = 0; i < count; ++i)
    names.push_back(what == "predictions" ? axis_name(i) : text::cat("ch", i / each, letter, i % each));
  return names;
}

std::string csv_of(const Tensor& table, const std::vector<std::string>& names) {
  std::string out = "segment," + text::join(names, ",") + "\n";
  const std::int64_t columns = table.size(1);
  for (std::int64_t row = 0; row < table.size(0); ++row) {
    out += std::to_string(row);
    for (std::int64_t c = 0; c < columns; ++c) out += "," + text::shortest(table.data<float>()[row * columns + c]);
    out += "\n";
  }
  return out;
}

void write_table(const fs::path& file, const Tensor& table, const Tensor& labels,
                 const std::vector<std::string>& names) {
  if (file.extension() == ".csv") return io::atomic_replace(file, csv_of(table, names));
  if (file.extension() == ".npy") return io::write_npy(file, io::Array(table));
  io::Hdf5Tree tree;
  tree.datasets["/outputs"] = {io::Array(table), {}, false};
  tree.datasets["/labels"] = {io::Array(labels), {}, false};
  tree.datasets["/columns"] = {{}, names, true};
  io::atomic_replace(file, io::build_hdf5(tree));
}

/// The file of a session: named by it when there are several.
fs::path file_of(const fs::path& to, const std::string& session, bool several) {
  if (!several) return to;
  std::string name = session;
  std::replace(name.begin(), name.end(), '/', '-');
  return to.parent_path() / text::cat(to.stem().string(), "-", name, to.extension().string());
}

int run_predict(app::Context& context) {
  const Subject subject = open_subject(context);
  const std::string what = context.flag("--what");
  const fs::path to = context.flag("--to");
  if (to.extension() != ".csv" && to.extension() != ".npy" && to.extension() != ".h5")
    throw Error(ErrorKind::usage, text::cat("'", to.string(), "' has no known ending"), {"", 0, 0, "--to"},
                ".npy, .csv or .h5");
  app::Result& result = context.result();
  for (const JudgedSession& s : subject.sessions) {
    const Tensor table = outputs_of(subject.chosen.settings, s, what);
    const fs::path file = file_of(to, s.session.name, subject.sessions.size() > 1);
    if (!context.flags().dry_run) write_table(file, table, s.session.labels, names_of_columns(s, what, table.size(1)));
    result.file(s.session.name, file.string());
    result.line(text::cat(file.string(), ": ", what, " of ", s.session.name, ", ", table.size(0), " segments x ",
                          table.size(1)));
  }
  return 0;
}

}  // namespace

app::Verb predict_verb() {
  app::Verb v;
  v.name = "predict";
  v.group = "Work";
  v.summary = "write features, reduced features or decoded movement of sessions";
  v.run = run_predict;
  v.operands = app::plain_operands("[RUN] [key=value ...]", 0, 1);
  v.operands.overrides = true;
  v.flags = subject_flags();
  v.flags.push_back({"--what",
                     "KIND",
                     "features: from the filters; normalised: over the session; reduced: by PLS; predictions: decoded, "
                     "each fold by the others",
                     "features",
                     {"features", "normalised", "reduced", "predictions"},
                     0});
  v.flags.push_back(
      {"--to", "FILE", "file to write, .npy, .csv or .h5; several sessions: one file each", "features.npy", {}, 0});
  v.examples = {"thimble-fenet predict latest --to features.npy",
                "thimble-fenet predict latest --what predictions --to decoded.csv",
                "thimble-fenet predict demo --weights efficient --what reduced --to reduced.h5"};
  return v;
}

}  // namespace thimble::fenet
