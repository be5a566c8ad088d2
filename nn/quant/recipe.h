#pragma once
// From a network of real numbers to one that computes with the integers of the chip while it is trained: formats for
// every number, tables for activations. Lowering to hardware then only writes down what the network already does.

#include "nn/graph/graph.h"
#include "nn/optim/optimizer.h"

#include <functional>

namespace thimble::nn {

/// One rule per role; the same objects serve training and hardware.
struct QuantRecipe {
  fixed::Quantiser input;                      // of the network's input
  fixed::Quantiser weight, bias;               // of every linear layer
  std::optional<fixed::Quantiser> activation;  // activations are computed and rounded to this (relu) ...
  std::function<LookUp(int)> table = {};       // ... or read from this table for sums of so many fraction bits
  double weight_limit = 0;                     // weights and biases are kept within +-limit; 0 = no limit
};

/// Widths of a trigger model, in bits. Fractions: `input` of the inputs, `node` of hidden and output values.
struct TriggerBits {
  int input = 12, node = 12;
  int weight = 10;  // model A: fraction bits; model B: bits of the largest magnitude
  int lut = 10;     // model A: fraction bits of the table's address; model B: address bits
};
inline constexpr TriggerBits kTriggerBitsA{12, 12, 10, 10};
inline constexpr TriggerBits kTriggerBitsB{12, 12, 17, 12};

/// Belle II track trigger as built (neurotrigger.md 8.1): inputs 12 fraction bits cut toward zero, weights and biases
/// 10 bits rounded half away from zero within +-63, tanh(x/2) from a table of 9,938 entries. Other widths follow the
/// same rules. Throws Error(value) for widths without a table (2^20 entries at most, address not finer than the sum).
QuantRecipe trigger_recipe_a(const TriggerBits& bits = kTriggerBitsA);
/// Its successor (8.2): weights of 17 bits magnitude scaled by the largest one of `trained`, an 18-bit window, tanh(x)
/// from 4,097 entries. A network of tanh(x/2) takes part with halved weights.
QuantRecipe trigger_recipe_b(const Graph& trained, const TriggerBits& bits = kTriggerBitsB);
/// The same with a scale that is fixed before training: weights and biases are kept within +-limit.
QuantRecipe trigger_recipe_b(double limit, const TriggerBits& bits = kTriggerBitsB);

/// `graph` with batch norms folded into the linear layers before them: w γ/√(σ²+eps), (b-μ) γ/√(σ²+eps) + β. Throws
/// Error(value) for a batch norm behind anything but a linear layer.
Graph fold_batch_norm(const Graph& graph);

/// The same network under a recipe, with the same weights (batch norms folded). A table of tanh replaces tanh(x/2) by
/// halving the weights before it. Throws Error(value) naming the node whose activation the recipe cannot express.
Graph quantised(const Graph& graph, const QuantRecipe& recipe);

/// Keeps all weights and biases of `graph` within the recipe's limit after every step.
void limit_weights(Optimizer& optimizer, Graph& graph, const QuantRecipe& recipe);

}  // namespace thimble::nn
