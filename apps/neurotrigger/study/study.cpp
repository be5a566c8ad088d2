#include "apps/neurotrigger/study/study.h"

#include "core/base/text.h"

#include <algorithm>

namespace thimble::neurotrigger {

std::string network_name(int expert) {
  return expert < 0 ? "all tracks" : text::cat("expert ", expert);
}

StudyRows study_rows(const RunResult& run, Split split) {
  StudyRows out;
  std::vector<float> values;
  std::int64_t width = 2;
  for (const ExpertResult& expert : run.experts) {
    const SplitOutput& output = expert.outputs[static_cast<std::size_t>(split)];
    if (output.rows.empty()) continue;
    const Mask& mask = run.own_masks.at(expert.outcome.expert)[static_cast<std::size_t>(split)];
    width = output.y_hat.size(1);
    for (std::size_t i = 0; i < output.rows.size(); ++i) {
      if (mask[static_cast<std::size_t>(output.rows[i])] == 0) continue;
      out.rows.push_back(output.rows[i]);
      out.networks.push_back(expert.outcome.expert);
      const float* from = output.y_hat.data<float>() + static_cast<std::int64_t>(i) * width;
      values.insert(values.end(), from, from + width);
    }
  }
  out.y_hat = Tensor::from(values, {static_cast<std::int64_t>(out.rows.size()), width});
  return out;
}

}  // namespace thimble::neurotrigger
