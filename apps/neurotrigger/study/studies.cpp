#include "apps/neurotrigger/study/studies.h"

#include "core/base/error.h"

#include "apps/neurotrigger/study/feed_study.h"
#include "apps/neurotrigger/study/robustness.h"
#include "apps/neurotrigger/study/sensitivity.h"
#include "apps/neurotrigger/study/trigger_study.h"
#include "apps/neurotrigger/train/uncertainty_run.h"

namespace thimble::neurotrigger {
namespace {

struct NamedStudy {
  const char* name;
  bool quick;  // part of every report
  Study (*make)(const RunSettings&, const RunResult&, const Splits&, Split);
};

const std::vector<NamedStudy>& named_studies() {
  static const std::vector<NamedStudy> studies{
      {"trigger", true,
       [](const RunSettings&, const RunResult& run, const Splits& splits, Split split) {
         return trigger_study(run, splits, split);
       }},
      {"feed-down", true, feed_study},
      {"uncertainty", true, uncertainty_study},
      {"robustness", false, robustness_study},
      {"sensitivity", false, sensitivity_study},
  };
  return studies;
}

}  // namespace

const std::vector<std::string>& study_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const NamedStudy& study : named_studies()) list.emplace_back(study.name);
    return list;
  }();
  return names;
}

Study make_study(const std::string& name, const RunSettings& settings, const RunResult& run, const Splits& splits,
                 Split split) {
  for (const NamedStudy& study : named_studies())
    if (study.name == name) return study.make(settings, run, splits, split);
  throw Error(ErrorKind::usage, text::cat("there is no study '", name, "'"), {"", 0, 0, "--what"},
              "studies: " + text::join(study_names(), ", "));
}

std::vector<report::FigureGroup> study_sections(const RunSettings& settings, const RunResult& run, const Splits& splits,
                                                Split split) {
  std::vector<report::FigureGroup> sections;
  for (const NamedStudy& study : named_studies()) {
    if (!study.quick) continue;
    Study made = study.make(settings, run, splits, split);
    if (!made.section.heading.empty()) sections.push_back(std::move(made.section));
  }
  return sections;
}

}  // namespace thimble::neurotrigger
