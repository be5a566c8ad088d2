#include "apps/neurotrigger/train/training_loss.h"

#include "autograd/ops/elementwise.h"

#include "nn/data/plan.h"
#include "nn/loss.h"

#include "apps/neurotrigger/train/uncertainty.h"

#include <algorithm>

namespace thimble::neurotrigger {
namespace {

/// Weights of the outputs for a mean over all elements; undefined where all count alike. The `extra` outputs of the
/// uncertainty have no target: they weigh nothing, and the others more, so that their mean is that of a network
/// without them.
Tensor output_weights(const Settings& settings, std::int64_t extra) {
  if (extra == 0 && (settings.out_size == 1 || settings.z_weight == 0.5)) return {};
  std::vector<double> weights{1.0};
  if (settings.out_size == 2) weights = {2 * settings.z_weight, 2 * (1 - settings.z_weight)};
  const double more = static_cast<double>(settings.out_size + extra) / static_cast<double>(settings.out_size);
  std::vector<float> all(static_cast<std::size_t>(settings.out_size + extra), 0.0f);
  for (std::size_t i = 0; i < weights.size(); ++i) all[i] = static_cast<float>(more * weights[i]);
  return Tensor::from(all);
}

}  // namespace

std::function<Var(const nn::Batch&)> training_loss(const nn::Graph& model, const Settings& settings) {
  const Loss kind = nn::parse_loss(settings.loss, settings.huber_delta);
  const Uncertainty uncertainty = uncertainty_from_name(settings.uncertainty);
  const double share = settings.uncertainty_weight;
  return [&model, kind, uncertainty, share, estimates = settings.out_size,
          outputs = output_weights(settings, extra_outputs(uncertainty))](const nn::Batch& b) {
    const Var y = model(b.x, b.pass),
              of_estimates = nn::batch_loss(y, b.y, kind, outputs, b.weight.defined() ? b.weight.value() : Tensor());
    if (uncertainty == Uncertainty::none) return of_estimates;
    return add(of_estimates, scale(spread_loss(y, b.y, uncertainty, estimates), share));
  };
}

std::vector<float> inverse_density(std::span<const float> z, std::int64_t buckets) {
  std::vector<std::int64_t> count(static_cast<std::size_t>(buckets), 0);
  std::vector<std::size_t> bucket;
  for (const float value : z) {
    bucket.push_back(static_cast<std::size_t>(nn::bucket_of(static_cast<double>(value), buckets)));
    ++count[bucket.back()];
  }
  const auto occupied = static_cast<double>(std::count_if(count.begin(), count.end(), [](auto n) { return n > 0; }));
  std::vector<float> weights;
  for (const std::size_t b : bucket)
    weights.push_back(static_cast<float>(static_cast<double>(z.size()) / (occupied * static_cast<double>(count[b]))));
  return weights;
}

std::shared_ptr<const nn::Dataset> weighted_table(const std::shared_ptr<const nn::Dataset>& table,
                                                  const Settings& settings, const nn::Rows& rows) {
  if (settings.sample_weight == "none") return table;
  const std::int64_t width = table->y.size(1);
  std::vector<float> z;
  for (const std::int64_t row : rows) z.push_back(table->y.data<float>()[row * width]);
  const std::vector<float> weights = inverse_density(z, settings.sample_weight_buckets);
  auto weighted = std::make_shared<nn::Dataset>(*table);
  weighted->weight = Tensor::zeros({table->size()});
  for (std::size_t i = 0; i < rows.size(); ++i) weighted->weight.mut<float>()[rows[i]] = weights[i];
  return weighted;
}

}  // namespace thimble::neurotrigger
