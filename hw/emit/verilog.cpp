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
    } else if (const auto* conv = std::get_if<op::Conv1d>(&node.op)) {
      multiplications += graph.tensor(node.output).shape[0] * static_cast<std::int64_t>(conv->weights.size());
    }
  }
  return multiplications <= kParallelMultiplications && table_bits <= kParallelTableBits;
}

void require(const Graph& graph, Timing timing, const std::string& obstacle) {
  if (obstacle.empty()) return;
  throw Error(ErrorKind::data,
              text::cat("'", text::printable(graph.name), "' has no ", name(timing), " schedule: ", obstacle), {},
              "use the parallel schedule");
}

Timing chosen(const Graph& graph, Timing wanted) {
  if (wanted == Timing::parallel) return wanted;
  const bool meant = graph.schedule && graph.schedule->mode == "stream";
  if (wanted == Timing::stream || (wanted == Timing::automatic && (meant || !small(graph)))) {
    const std::string obstacle = stream_obstacle(graph);
    if (wanted == Timing::stream) require(graph, wanted, obstacle);
    if (obstacle.empty()) return Timing::stream;
  }
  const std::string obstacle = serial_obstacle(graph);
  if (wanted == Timing::serial) require(graph, wanted, obstacle);
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
  constexpr const char* kNames[] = {"automatic", "parallel", "serial", "stream"};
  return kNames[static_cast<std::size_t>(timing)];
}

VerilogDesign emit_verilog(const Graph& graph, const VerilogOptions& options) {
  check_ports(graph);
  VerilogDesign design;
  design.module = module_name(options.module.empty() ? graph.name : options.module);
  design.timing = chosen(graph, options.timing);
  design.files.push_back({text::cat("rtl/", design.module, ".v"), ""});
  rtl::Context context(graph, design);
  const auto emit = design.timing == Timing::serial   ? rtl::emit_serial
                    : design.timing == Timing::stream ? rtl::emit_stream
                                                      : rtl::emit_parallel;
  emit(context, options);
  return design;
}

}  // namespace thimble::hw
