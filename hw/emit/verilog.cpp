#include "hw/emit/verilog.h"

#include "core/base/error.h"

#include "hw/emit/identifiers.h"
#include "hw/emit/verilog_lower.h"

namespace thimble::hw {

namespace {

/// Beyond this a design with one multiplier per weight, or one table port per look-up, takes minutes to build.
constexpr std::int64_t kParallelMultiplications = 1024;
constexpr std::int64_t kParallelTableBits = 1 << 20;

bool small(const Graph& graph) {
  std::int64_t multiplications = 0, table_bits = 0;
  for (const Node& node : graph.nodes) {
    if (const auto* matrix = std::get_if<op::Cmvm>(&node.op)) {
      multiplications += static_cast<std::int64_t>(matrix->weights.size());
    } else if (const auto* lut = std::get_if<op::Lut>(&node.op)) {
      const Table& table = graph.table(lut->table);
      table_bits += static_cast<std::int64_t>(graph.tensor(node.output).size() * table.values.size()) * table.type.w;
    }
  }
  return multiplications <= kParallelMultiplications && table_bits <= kParallelTableBits;
}

Timing chosen(const Graph& graph, Timing wanted) {
  const std::string obstacle = wanted == Timing::parallel ? "" : serial_obstacle(graph);
  if (wanted == Timing::serial && !obstacle.empty()) {
    throw Error(ErrorKind::data, text::cat("'", text::printable(graph.name), "' has no serial schedule: ", obstacle),
                {}, "use the parallel schedule");
  }
  if (wanted != Timing::automatic) return wanted;
  return small(graph) || !obstacle.empty() ? Timing::parallel : Timing::serial;
}

std::string module_name(const std::string& wish) {
  Identifiers identifiers(40);
  for (const char* bench : {"tb", "tb_stress", "tb_trace", "dut"}) identifiers.reserve(bench);
  return identifiers.unique(wish, "net");
}

void check_ports(const Graph& graph) {
  THIMBLE_CHECK(graph.input_size() > 0, data, "'", text::printable(graph.name),
                "' has no input elements: nothing to drive");
  THIMBLE_CHECK(graph.output_size() > 0, data, "'", text::printable(graph.name),
                "' has no output elements: nothing to see");
}

}  // namespace

std::string_view name(Timing timing) {
  return timing == Timing::parallel ? "parallel" : timing == Timing::serial ? "serial" : "automatic";
}

VerilogDesign emit_verilog(const Graph& graph, const VerilogOptions& options) {
  check_ports(graph);
  VerilogDesign design;
  design.module = module_name(options.module.empty() ? graph.name : options.module);
  design.timing = chosen(graph, options.timing);
  design.files.push_back({text::cat("rtl/", design.module, ".v"), ""});
  rtl::Context context(graph, design);
  if (design.timing == Timing::serial) {
    rtl::emit_serial(context, options);
  } else {
    rtl::emit_parallel(context, options);
  }
  return design;
}

}  // namespace thimble::hw
