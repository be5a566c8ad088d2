#pragma once
// From tensors of a graph to scalar values of a netlist, and what the two schedules share.

#include "hw/emit/verilog.h"
#include "hw/emit/verilog_ops.h"

namespace thimble::hw::rtl {

/// Values of the elements of each tensor; empty for tensors not yet made.
using Elements = std::vector<std::vector<Ref>>;

/// What every emitter of a module shares: names, the memories of its tables, and the counts of the report.
struct Context {
  const Graph& graph;
  VerilogDesign& design;
  Names names = {};
  std::vector<std::string> tensor_names = {};        // legal identifiers
  std::map<std::string, std::string> memories = {};  // table -> memory name
  std::string memory_text = {};                      // declarations

  Context(const Graph& graph_in, VerilogDesign& design_in);
  /// Name of one element: tensor_index.
  std::string element(TensorId tensor, std::size_t index) const;
  /// Memory of a table, declared and filled on first use.
  const std::string& table_memory(const Table& table);
  /// Declares a memory with its image file and returns its name.
  std::string memory(const std::string& wish, int width, const std::vector<std::string>& words);
};

/// Operator of one node on one element whose inputs are scalar values; `in` is the format of the first of them,
/// `index` the element that decides per-channel parameters. Sums over several elements are not elementwise.
Ref elementwise(Context& context, Netlist& net, const Node& node, const std::string& name, const std::vector<Ref>& x,
                std::size_t index, Interval result);
bool is_elementwise(const Op& op);

/// All elements of a node from the elements before it.
std::vector<Ref> lower(Context& context, Netlist& net, const Node& node, const Elements& values);

/// Where the elements of the input port lie in x, and how wide y is.
struct PortBit {
  TensorId tensor;
  std::size_t element;
  int offset, width;
};
std::vector<PortBit> port_bits(const Graph& graph, const std::vector<TensorId>& ports, int& total);

/// `{y2, y1, y0}` from values extended to their port widths.
std::string packed(const std::vector<std::string>& from_lowest);

void emit_parallel(Context& context, const VerilogOptions& options);
void emit_serial(Context& context, const VerilogOptions& options);
void emit_stream(Context& context, const VerilogOptions& options);

/// `  reg [D-1:0] NAME;` with the valid bit of `source` after 1..D clocks; reset clears it.
std::string valid_chain(const std::string& name, const std::string& source, int depth);
/// Valid bit of a stage: `source` itself for stage 0.
std::string valid_in(const std::string& name, const std::string& source, int stage);
/// Header comment and module line up to the ports.
std::string module_head(const Context& context, bool with_ready);

}  // namespace thimble::hw::rtl
