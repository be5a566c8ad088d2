// The network of a run's checkpoint.

#include "core/io/file.h"
#include "core/io/json.h"

#include "nn/graph/graph.h"
#include "nn/train/checkpoint.h"

#include "apps/fenet/model/weights_parts.h"

#include <nlohmann/json.hpp>

namespace thimble::fenet {
namespace {

std::vector<int> narrowed(const std::vector<std::int64_t>& values) {
  std::vector<int> out;
  for (const std::int64_t value : values) out.push_back(static_cast<int>(value));
  return out;
}

}  // namespace

WeightsParts read_checkpoint_parts(const std::filesystem::path& path) {
  const nn::Checkpoint checkpoint = nn::read_checkpoint(path);
  WeightsParts out;
  out.file = io::shown(path);
  if (checkpoint.arch.empty()) refuse_weights(out.file, "arch", "the checkpoint holds no network of FENet");
  nn::Graph graph = nn::graph_from_json(io::parse_json(checkpoint.arch, out.file));
  const auto* bank = std::get_if<nn::WaveletBank>(graph.find("layers"));
  if (bank == nullptr) refuse_weights(out.file, "layers", "the checkpoint holds no network of FENet");
  nn::Parts parts = nn::parts_of(graph);
  nn::Parameter reduction;
  if (const auto model = checkpoint.groups.find("model"); model != checkpoint.groups.end())
    if (const auto found = model->second.tensors.find("reduction"); found != model->second.tensors.end()) {
      out.reduction = found->second.to(DType::f32);
      reduction.value = out.reduction.clone();
      parts.parameters.push_back({"reduction", &reduction});
    }
  nn::load_model(checkpoint, parts, out.file);
  out.strides = narrowed(bank->strides);
  out.relu_powers = narrowed(bank->relu_powers);
  out.features_by_layer = narrowed(bank->features);
  out.features_by_layer.push_back(1);
  out.config["pool"] = std::string(nn::name_of(bank->pool));
  out.config["dropout"] = bank->dropout;
  for (std::size_t i = 0; i < bank->filters.size(); ++i)
    out.levels[static_cast<int>(i)] = {bank->filters[i].feat.value, bank->filters[i].pass.value};
  return out;
}

}  // namespace thimble::fenet
