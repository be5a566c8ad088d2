#pragma once
// Model A, the network as the present trigger hardware computes it: inputs and nodes with 12 fraction bits, weights
// with 10, tanh(x/2) from a table of 9,938 entries. Source: fixed-point emulation of BASF2, section 8.1 of the
// application's specification.

#include "nn/graph/graph.h"
#include "nn/optim/optimizer.h"

#include "hw/ir/graph.h"
#include "hw/ir/vectors.h"

#include "apps/neurotrigger/dataset.h"

#include <optional>
#include <string>
#include <vector>

namespace thimble::neurotrigger {

inline constexpr int kNodeBits = 12;  // fraction bits of inputs and nodes

/// A network of linear layers and tanh(x/2) with the formats of model A in place and the same weights; batch norms are
/// folded. Throws Error(value) for other activations.
nn::Graph hardware_a_model(const nn::Graph& trained);
/// The same where it exists: the network itself if it was trained with the formats, nothing for other activations.
std::optional<nn::Graph> hardware_form(const nn::Graph& trained);
/// Keeps weights and biases inside the limit after every step.
void limit_weights(nn::Graph& model, nn::Optimizer& optimizer);

/// The integer graph of a network made by hardware_a_model. Throws Error(value) naming a weight beyond the limit.
hw::Graph hardware_a_graph(const nn::Graph& model, const std::string& name);

/// Input integers of tracks: inputs * 2^12 cut towards zero. [rows][27]
hw::Vectors hardware_a_inputs(const Tensor& inputs);

/// z of the integer network against z of the trained one on the same tracks, cm.
struct Drift {
  std::int64_t rows = 0;
  double rms_cm = 0, max_cm = 0;
  std::vector<double> differences_cm;
};
Drift drift_of(const nn::Graph& trained, const nn::Graph& hardware, const Tensor& inputs);

}  // namespace thimble::neurotrigger
