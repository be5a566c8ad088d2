#pragma once
// Several trainings on the same tracks: figures of merit side by side, errors in one figure.

#include "core/report/html.h"

#include "apps/neurotrigger/look/row_outputs.h"

#include <string>
#include <vector>

namespace thimble::neurotrigger {

/// A training, or the network that was in the hardware, with its outputs on the common tracks.
struct Candidate {
  std::string name;
  RowOutputs outputs;
};

/// The rows of one expert (-1: of all) that every candidate has predicted.
struct ComparedGroup {
  int expert = -1;
  std::int64_t rows = 0;
  std::vector<Compared> outputs;  // one per candidate
  std::vector<Merit> merits;
};

struct Comparison {
  std::vector<std::string> names;  // of the candidates
  bool first_is_old = false;       // the first one is the network of the data file
  std::vector<ComparedGroup> groups;
};

/// Compares on the rows that all candidates have predicted, over the outputs that all of them have; groups without rows
/// are left out, "all" stands last. The old network of the data comes first when there is one. Throws Error(data) when
/// no row is common.
Comparison compare_candidates(const Dataset& data, std::vector<Candidate> candidates);

/// One line per figure of merit and group, one column per candidate, the lowest marked.
report::Table comparison_table(const Comparison& comparison);
/// Table, and the errors and the resolution along z of all candidates in one figure each, per group.
report::Report comparison_report(const Comparison& comparison);

}  // namespace thimble::neurotrigger
