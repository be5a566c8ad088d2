#pragma once
// Which parts of a graph are streams of positions and which are numbers of a whole window.

#include "hw/ir/graph.h"

#include <string>
#include <vector>

namespace thimble::hw::rtl {

/// One window register and all that is computed from its patches, one position at a time: filters of equal geometry on
/// the same stream, elementwise operators behind them, and sums over all positions.
struct StreamStage {
  TensorId source = 0;
  op::Conv1d geometry;                  // taps, stride, dilation, padding; the weights do not count
  std::vector<const Node*> nodes = {};  // filters and elementwise operators in order of the graph
  std::vector<const Node*> sums = {};   // sum and avg_shift over the positions
};

/// A graph [positions, channels] -> numbers of the window, as stages that feed one another.
struct StreamPlan {
  std::vector<StreamStage> stages = {};
  std::vector<const Node*> after = {};  // operators on numbers of the window
  std::vector<int> stage_of = {};       // per tensor: number of its stage, kInput, or kWindow
  std::string obstacle = {};            // why the graph cannot be streamed; empty if it can

  static constexpr int kInput = -1, kWindow = -2;
};

StreamPlan stream_plan(const Graph& graph);

/// Timing of windows that follow one another without a gap.
struct StreamTiming {
  std::int64_t complete = 0;  // clocks from the first sample of a window to the one in which all its sums are complete
  std::int64_t interval = 1;  // clocks between windows
};

/// Found by running the control of all stages until it repeats. `depths`: pipeline stages of every stage.
StreamTiming stream_timing(const Graph& graph, const StreamPlan& plan, const std::vector<int>& depths);

}  // namespace thimble::hw::rtl
