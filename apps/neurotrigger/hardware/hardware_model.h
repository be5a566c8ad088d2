#pragma once
// The network as the trigger hardware computes it. Model A is the present trigger: inputs and nodes with 12 fraction
// bits, weights with 10, tanh(x/2) from a table of 9,938 entries. Model B is its successor: weights of 17 bits scaled
// by the largest one, tanh(x) from 4,097 entries. Source: fixed-point emulation of BASF2, sections 8.1 and 8.2 of the
// application's specification. Other widths follow the same rules.

#include "nn/graph/graph.h"
#include "nn/optim/optimizer.h"
#include "nn/quant/recipe.h"

#include "hw/ir/graph.h"
#include "hw/ir/vectors.h"

#include "apps/neurotrigger/data/dataset.h"
#include "apps/neurotrigger/hardware/hardware_keys.h"

#include <optional>
#include <string>
#include <vector>

namespace thimble::neurotrigger {

/// One of the two models with its widths.
struct HardwareModel {
  char letter = 'A';
  nn::TriggerBits bits = nn::kTriggerBitsA;
  double weight_limit = 0;  // model B in training; 0: the scale follows the weights

  /// "model A, inputs 12 bits, nodes 12, weights 10, table address 10"
  std::string str() const;
};

/// Names of the hardware targets: "hw-a", "hw-b".
bool is_hardware(const std::string& target);
/// The model behind a target with the widths of the settings.
HardwareModel hardware_model(const std::string& target, const HardwareKeys& keys);

/// A network of linear layers and tanh or tanh(x/2) with the formats of the model in place and the same weights; batch
/// norms are folded. Throws Error(value) for other activations and for widths that do not exist.
nn::Graph hardware_network(const nn::Graph& trained, const HardwareModel& model);
/// True for a network that was trained with the formats of a hardware model.
bool has_formats(const nn::Graph& network);
/// The network itself if it was trained with formats, else hardware_network; nothing for activations without a table.
std::optional<nn::Graph> hardware_form(const nn::Graph& trained, const HardwareModel& model = {});
/// Makes the network that a training with this model uses. The scale of model B is that of the weight limit.
nn::Graph training_form(const nn::Graph& plain, const HardwareModel& model);
/// Keeps weights and biases inside the limit of the model after every step.
void limit_weights(nn::Graph& network, const HardwareModel& model, nn::Optimizer& optimizer);

/// The integer graph of a network with formats. `scaled_inputs`: inputs lie within +-1, which proves smaller sums; else
/// they may use the whole range of their format. Throws Error(value) naming a weight beyond its width.
hw::Graph hardware_graph(const nn::Graph& network, const std::string& name, bool scaled_inputs = true);

/// Input integers of tracks as the network's input format rounds them. [rows][inputs]
hw::Vectors hardware_inputs(const nn::Graph& network, const Tensor& inputs);
/// Output integers of tracks: the integers of hw::evaluate, computed in lanes of float64 (or faster) wherever the
/// intervals of the graph prove that exact. `format` rounds the inputs. Bits do not depend on threads. [rows][outputs]
hw::Vectors hardware_outputs(const hw::Graph& graph, const fixed::Quantiser& format, const Tensor& inputs);
/// Format of the inputs of a network with formats.
const fixed::Quantiser& input_format(const nn::Graph& network);

/// Output integers as 13-bit words of the trigger: 12 fraction bits, within -4095 .. 4096. `fraction`: of `outputs`.
hw::Vectors output_words(const hw::Vectors& outputs, int fraction);

/// z of the integer network against z of the trained one on the same tracks, cm.
struct Drift {
  std::int64_t rows = 0;
  double rms_cm = 0, max_cm = 0;
  std::vector<double> differences_cm;
};
Drift drift_of(const nn::Graph& trained, const nn::Graph& hardware, const Tensor& inputs);

}  // namespace thimble::neurotrigger
