#pragma once
// What one look at recordings or networks has to say: paragraphs, tables and figures for a report, numbers as files.

#include "core/report/figure_parts.h"
#include "core/report/html.h"

#include "apps/common/cli/context.h"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace thimble::fenet {

struct Look {
  report::FigureGroup section;
  std::vector<std::pair<std::string, std::string>> files;  // name -> content (JSON, CSV, PNG)
};

/// Names in a comma separated list, "all" for every one. Throws Error(usage) naming the flag.
std::vector<std::string> wanted_names(const std::string& list, const std::vector<std::string>& known,
                                      const std::string& flag);

/// Files, tables and figures of looks in a folder with one report.html; they are told and printed as well.
class LookPage {
 public:
  LookPage(app::Context& context, std::filesystem::path folder, std::string name, std::string sentence);
  void add(Look look);
  /// Writes the page.
  void finish();

 private:
  app::Context& context_;
  std::filesystem::path folder_;
  report::Report page_;
};

}  // namespace thimble::fenet
