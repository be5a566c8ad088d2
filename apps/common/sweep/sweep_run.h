#pragma once
// What the verb `sweep` of every application does around its trainings: words into a plan, the line of progress, the
// study on threads or ranks.

#include "nn/search/ranks.h"

#include "apps/common/cli/context.h"
#include "apps/common/run/run_folder.h"
#include "apps/common/sweep/sweep_file.h"

#include <functional>
#include <memory>
#include <string>

namespace thimble::app {

struct SweepPlan {
  Sweep sweep;
  std::string folder;  // of the sweep to resume; empty: a new one
};

/// What the command line asks for: a new sweep, or with --resume an older one as it was begun. Throws Error(usage) for
/// a resumed sweep with words, a run that is none.
SweepPlan plan_sweep(const Context& context, const ConfigApp& app);
/// The sweep of a run folder.
Sweep sweep_in(const std::string& folder, const ConfigApp& app);

/// First line of the journal: equal for sweeps whose trials are interchangeable, so changed configurations are noticed.
std::string journal_head(const Sweep& sweep, const ConfigApp& app);

/// "sweep 'own', bayes: 100 arms of 1 training, ranked by z_cm".
std::string plan_text(const Sweep& sweep, const nn::search::Strategy& strategy,
                      const nn::search::StudyOptions& options);

/// How the line of progress writes the metric.
struct ShownMetric {
  std::string unit;
  double scale = 1;
};

/// The study of a sweep in its run folder, on the threads of this process or, with `ranks`, on all of them; told by a
/// line of progress.
nn::search::StudyResult run_arms(Context& context, const RunFolder& folder, const nn::search::Strategy& strategy,
                                 const nn::search::StudyOptions& options, const std::string& head,
                                 const nn::search::Evaluate& evaluate, const ShownMetric& shown,
                                 const nn::search::Ranks* ranks);

/// The ranks under mpirun, nothing otherwise. Without --threads each rank takes its share of the machine.
std::unique_ptr<nn::search::Ranks> join_ranks(const Context& context);
/// What a rank above 0 does: tries arms of the sweep in the folder that rank 0 names; 0. `evaluation` makes the
/// evaluation for a run folder.
int serve_rank(Context& context, const nn::search::Ranks& ranks,
               const std::function<nn::search::Evaluate(const std::string& folder)>& evaluation);

}  // namespace thimble::app
