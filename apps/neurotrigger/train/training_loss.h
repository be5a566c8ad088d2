#pragma once
// The loss that training minimises: which function of the differences, how much z counts against theta, how much each
// track counts. Validation losses are plain mean squares whatever is set here, so that trainings can be compared.

#include "nn/data/dataset.h"
#include "nn/graph/graph.h"
#include "nn/train/trainer.h"

#include "apps/neurotrigger/settings.h"

#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace thimble::neurotrigger {

/// Mean over the rows of a batch of (z_weight l(z) + (1 - z_weight) l(theta)), l = squared difference or Huber's
/// function; each row times its weight when the batch has weights. With out_size 1 it is l(z). With uncertainty outputs
/// uncertainty_weight times spread_loss is added, in which all rows count alike. `model` must outlive it.
std::function<Var(const nn::Batch&)> training_loss(const nn::Graph& model, const Settings& settings);

/// Weights of inverse density: rows / (occupied buckets * rows in the bucket of z), so that every occupied bucket
/// weighs the same and the mean is 1. Buckets of equal width on [-1, 1], as in dist. Throws Error(data) for a z
/// outside.
std::vector<float> inverse_density(std::span<const float> z, std::int64_t buckets);

/// `table` with the row weights that `sample_weight` asks for; `table` itself when it asks for none. Rows outside
/// `rows` weigh nothing.
std::shared_ptr<const nn::Dataset> weighted_table(const std::shared_ptr<const nn::Dataset>& table,
                                                  const Settings& settings, const nn::Rows& rows);

}  // namespace thimble::neurotrigger
