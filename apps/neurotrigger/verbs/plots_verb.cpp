#include "core/base/error.h"

#include "apps/common/cli/context.h"
#include "apps/neurotrigger/look/plots.h"
#include "apps/neurotrigger/run/subject.h"
#include "apps/neurotrigger/verbs/verbs.h"

#include <algorithm>

namespace thimble::neurotrigger {
namespace {

namespace fs = std::filesystem;

/// Names that --what knows: the groups, then single plots.
std::vector<std::string> plot_words() {
  std::vector<std::string> words{"all", "training", "overlay", "z-hist-gt"};
  for (const PlotKind& kind : plot_kinds()) {
    words.push_back(kind.name);
    words.push_back(kind.name + "-old");
  }
  const std::vector<std::string>& more = overlay_names();
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

std::vector<std::string> chosen_words(const app::Context& context) {
  const std::vector<std::string> known = plot_words();
  const std::vector<std::string> words = text::split(context.flag("--what"), ',');
  for (const std::string& word : words)
    if (std::find(known.begin(), known.end(), word) == known.end()) {
      const std::string near = text::nearest(word, known);
      throw Error(ErrorKind::usage, text::cat("there is no plot '", text::printable(word), "'"), {},
                  near.empty() ? "one of " + text::join(known, ", ") : text::cat("did you mean '", near, "'?"));
    }
  return words;
}

bool wanted(const std::vector<std::string>& words, const std::string& name) {
  const std::vector<std::string>& overlay = overlay_names();
  const bool over = std::find(overlay.begin(), overlay.end(), name) != overlay.end();
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
    return word == "all" || word == name || word == (over ? "overlay" : "training");
  });
}

Split chosen_split(const app::Context& context, const Subject& subject) {
  const std::string word = context.flag("--split");
  Split chosen = context.flag("--data").empty() ? Split::val : Split::test;
  for (const Split split : kSplits)
    if (word == name_of(split)) chosen = split;
  if (subject.splits[chosen].rows() == 0)
    throw Error(ErrorKind::usage, text::cat("the ", name_of(chosen), " split has no tracks"), {},
                "choose another one: --split train, val or test");
  return chosen;
}

}  // namespace

int run_plots(app::Context& context) {
  const std::vector<std::string> words = chosen_words(context);
  const Subject subject = open_subject(context);
  const Split split = chosen_split(context, subject);
  fs::path to = context.flag("--to");
  if (to.empty()) to = subject.folder.empty() ? fs::path("figures") : subject.folder / "figures" / name_of(split);
  const std::vector<NetworkRows> networks = rows_of_networks(subject.splits, subject.result, split);
  std::vector<PlotFile> plots;
  for (const NetworkRows& network : networks) {
    for (Plot& plot : all_plots(network.rows, network.title))
      if (wanted(words, plot.figure.name)) plots.push_back({to / network.name, std::move(plot)});
    context.result().file(network.name, (to / network.name).string());
  }
  write_plots(plots, context.progress());
  if (!subject.folder.empty()) context.result().run(subject.folder.string());
  context.result().line(
      text::cat(plots.size(), " plots of ", networks.size(), " sets of ", name_of(split), " tracks in ", to.string()));
  return 0;
}

}  // namespace thimble::neurotrigger
