#pragma once
// Runs as a table that expressions can look at: runs list --where, compare --fail-if.

#include "core/text/columns.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace thimble::app {

/// A run as far as its files tell.
struct RunRecord {
  std::string run, config, status, note;  // run: "baseline_v2/3"
  int version = 0;
  const nlohmann::json* summary = nullptr;  // summary.json; null: none
};

/// Columns run, config, status, note, version, seconds, every metric by its dotted name and every setting by its
/// dotted key. A metric takes precedence over a setting of the same name. Numbers are number columns, everything else
/// text; what a run does not have is NaN or empty. Lists become text as JSON.
expr::Columns columns_of(const std::vector<RunRecord>& runs);

/// What `compare --fail-if` asks: "val_loss > +2%" and "val_loss > -0.01" speak of the change from the first run,
/// anything else is an expression over the columns of a run.
class FailCondition {
 public:
  /// Throws Error(config) for an expression that cannot be read against these columns.
  FailCondition(std::string text, const expr::Columns& runs);
  /// For every run but the first: is the condition met?
  std::vector<bool> met(const expr::Columns& runs) const;

 private:
  bool parse_change(const expr::Columns& runs);
  std::string text_, metric_, compare_;
  double change_ = 0;
  bool percent_ = false, relative_ = false;
};

}  // namespace thimble::app
