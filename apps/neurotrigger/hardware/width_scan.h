#pragma once
// Which widths the hardware needs: the integers of one network at many widths, judged on tracks.

#include "core/report/figure.h"
#include "core/report/table.h"

#include "apps/neurotrigger/hardware/hardware_model.h"
#include "apps/neurotrigger/look/metrics.h"

#include <string>
#include <vector>

namespace thimble::neurotrigger {

/// The grid: fraction bits of inputs and nodes, weight bits, address bits of the table.
struct ScanGrid {
  char letter = 'A';
  std::vector<int> values = {8, 9, 10, 11, 12, 13};
  std::vector<int> weights = {5, 6, 7, 8, 9, 10, 12};
  std::vector<int> luts = {4, 6, 8, 10};
  /// Every combination that has a table, in the order values, weights, luts.
  std::vector<HardwareModel> models() const;
};
/// Widths around those of a model.
ScanGrid usual_grid(char letter);

/// One combination of widths.
struct ScanPoint {
  HardwareModel model;
  Maybe z_trimmed_cm, z_near_cm;    // of the integer network
  double rms_cm = 0, max_cm = 0;    // z of the integer network against the float network
  std::int64_t saturated_sums = 0;  // read the last table entry
  std::int64_t wrapped_sums = 0;    // left the window of model B and came back as something else
  std::int64_t cut_inputs = 0;      // beyond the range of the input format
  std::int64_t table_entries = 0;
  std::int64_t table_bits = 0;   // of one table
  std::int64_t weight_bits = 0;  // of one network
  int sum_bits = 0;              // widest accumulator, proven
  std::int64_t memory_bits() const { return table_bits + weight_bits; }
};

struct Scan {
  Maybe float_trimmed_cm, float_near_cm;  // of the float network on the same tracks
  std::int64_t tracks = 0;
  std::vector<ScanPoint> points;
  std::vector<std::size_t> front;   // points that no other beats in memory bits and rms deviation, by memory bits
  std::optional<std::size_t> best;  // least memory bits within the tolerance
  double tolerance = 0;             // share by which the resolution may grow
};

/// Judges every combination; jobs run side by side, results do not depend on threads. The integers are those of the
/// exported graph (hw::Interpreter). Throws Error(value) when a weight does not fit any of the widths.
Scan scan_widths(const nn::Graph& trained, const Tensor& inputs, const Tensor& targets, const ScanGrid& grid,
                 double tolerance);

report::Table scan_table(const Scan& scan, bool all);
std::vector<report::Figure> scan_figures(const Scan& scan);
/// "model A needs 9 bits ... : 5.31 cm against 5.29 cm of the float network"
std::string scan_sentence(const Scan& scan);

}  // namespace thimble::neurotrigger
