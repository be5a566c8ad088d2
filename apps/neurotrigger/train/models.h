#pragma once
// The networks: 27 inputs, one or two outputs. Node "net_k" is position k of the original's layer list, so that
// weights keep the names that the trigger software knows ("net.0.weight").

#include "core/random/philox.h"

#include "nn/graph/graph.h"

#include "apps/neurotrigger/hardware/hardware_keys.h"
#include "apps/neurotrigger/train/weights_file.h"

#include <string>

namespace thimble::neurotrigger {

struct ModelSpec {
  std::string model = "BaselineModel";  // BaselineModel, BaselineModelBN, SimpleModel, MLP
  std::string act = "relu";
  std::string quant = "none";  // hw-a, hw-b: integers of that hardware model in training
  std::int64_t in = 27, out = 2;
  HardwareKeys hw = {};                     // widths for quant
  std::vector<std::int64_t> hidden = {81};  // MLP: nodes of its hidden layers
  std::vector<std::string> acts = {};       // MLP: activation behind every layer, the output last; empty: `act`
};

/// BaselineModel: 27-81-out; BaselineModelBN: with batch normalisation behind the first layer; both have the
/// activation behind the output too. SimpleModel: 27-50-100-50-10-out with normalisation, output without activation.
/// MLP: any hidden layers, an activation of its own behind each.
/// Parameters are zero. Throws Error(config) for unknown names and for quant with activations that the
/// hardware model has no table for (hw-a: tanh/2, hw-b: tanh) or with batch normalisation.
nn::Graph build_model(const ModelSpec& spec);

/// Draws the start weights by `init` ("default", "xavier_uniform", "fann_uniform_0.1").
void start_weights(nn::Graph& model, const std::string& init, const Stream& stream);

/// Parameters and running statistics under the names of weights.json, in layer order.
State state_of(const nn::Graph& model);
/// The reverse; tensors the model does not have are ignored. Throws Error(data) naming what is missing or has another
/// shape; `origin` is the file told.
void load_state(nn::Graph& model, const State& state, const std::string& origin);

/// Outputs [N, out] for inputs [N, in], rows layout, in blocks of tracks; bits do not depend on threads.
Tensor predict(const nn::Graph& model, const Tensor& inputs);

}  // namespace thimble::neurotrigger
