#pragma once
// Which inputs a network listens to, and which of its neurons do nothing.

#include "apps/neurotrigger/study/study.h"

#include <string>
#include <vector>

namespace thimble::neurotrigger {

/// Reaction of z to the inputs, by automatic differentiation, mean over tracks. One entry per input.
struct InputSensitivity {
  std::int64_t tracks = 0;
  std::vector<double> gradient_cm;  // mean |dz/dx|, cm per unit of the input
  std::vector<double> product_cm;   // mean |x dz/dx|, cm: what the input contributes, to first order
  std::vector<double> mean_cm;      // mean of dz/dx with its sign
};
InputSensitivity input_sensitivity(const nn::Graph& model, const Tensor& inputs);

/// dz/dx in cm per unit for every track, [N, inputs], rows layout. Networks with rounding: straight through, as in
/// training.
Tensor z_gradients(const nn::Graph& model, const Tensor& inputs);

enum class NeuronState {
  alive,
  constant,   // its output hardly moves: standard deviation below 1 % of its range
  saturated,  // beyond 99 % of its range for 99 % of the tracks (tanh and the like)
  dead,       // 0 for 99.9 % of the tracks (relu)
};
const char* name_of(NeuronState state);

/// One hidden neuron over the tracks.
struct NeuronReport {
  std::string layer;  // node of its activation, "net_1"
  std::int64_t neuron = 0;
  double mean = 0, deviation = 0;  // of its output
  double saturated = 0;            // share of tracks with |output| > 0.99; 0 for activations without an end
  double zero = 0;                 // share of tracks with output 0 (relu); 0 for others
  double reach = 0;                // deviation times the length of its outgoing weights
  NeuronState state = NeuronState::alive;
};
std::vector<NeuronReport> neuron_reports(const nn::Graph& model, const Tensor& inputs);

/// "SL3 driftT"; "SL3 wire 0" .. "SL3 wire 10" for hit patterns (of 126 inputs).
std::string input_name(std::size_t input);

/// Tables, figures and files, on the first 20,000 tracks of every network.
Study sensitivity_study(const RunSettings& settings, const RunResult& run, const Splits& splits, Split split);

}  // namespace thimble::neurotrigger
