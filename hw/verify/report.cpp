#include "hw/verify/report.h"

#include "core/base/error.h"
#include "core/io/atomic_file.h"
#include "core/io/hash.h"
#include "core/io/json.h"
#include "core/report/table.h"

#include "hw/ir/json.h"

#include <nlohmann/json.hpp>

#include <bit>

namespace thimble::hw {

namespace fs = std::filesystem;
using nlohmann::json;
using text::cat;

namespace {

constexpr const char* kSchema = "thimble.hw-report/1";

/// Width that the usual growth rules would allocate for an element, without looking at the weights' values.
int generic_width(const Graph& graph, const Node& node) {
  const TensorInfo& out = graph.tensor(node.output);
  const auto grown = [&](const auto& layer, std::int64_t products) {
    Interval weights{0, 0};
    for (const std::int64_t weight : layer.weights) weights = hull(weights, {weight, weight});
    const int terms = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(products - 1)));
    const int bias = layer.bias.empty() ? 0 : 1;
    return graph.tensor(node.inputs.front()).format.type.w + fixed::width_of(weights) + terms + bias;
  };
  const auto* matrix = std::get_if<op::Cmvm>(&node.op);
  if (matrix != nullptr && matrix->n_in > 0) return grown(*matrix, matrix->n_in);
  if (const auto* conv = std::get_if<op::Conv1d>(&node.op)) return grown(*conv, conv->taps * conv->group_in());
  return out.format.type.w;
}

json describe_tensor(const Graph& graph, const Node& node) {
  const TensorInfo& info = graph.tensor(node.output);
  const Interval range = info.size() == 0 ? Interval{} : info.interval();
  const int generic = generic_width(graph, node);
  int widest = 0;
  std::int64_t saved = 0;
  for (std::size_t e = 0; e < info.size(); ++e) {
    const int width = info.tight(e).w;
    widest = std::max(widest, width);
    saved += std::max(0, generic - width);
  }
  return {{"name", info.name},
          {"op", op_name(node.op)},
          {"elements", info.size()},
          {"type", info.format.type.str()},
          {"lo", static_cast<std::int64_t>(range.lo)},
          {"hi", static_cast<std::int64_t>(range.hi)},
          {"bits", widest},
          {"generic_bits", generic},
          {"bits_saved", saved}};
}

json describe_tensors(const Graph& graph) {
  json tensors = json::array();
  for (const Node& node : graph.nodes) {
    if (node.output >= 0) tensors.push_back(describe_tensor(graph, node));
  }
  return tensors;
}

json describe_design(const VerilogDesign& design) {
  return {{"module", design.module},
          {"schedule", name(design.timing)},
          {"latency_cycles", design.latency},
          {"interval_cycles", design.interval},
          {"pipeline_stages", design.stages},
          {"lanes", design.lanes},
          {"register_bits", design.register_bits},
          {"constant_multiplications", design.constant_multiplications},
          {"multipliers", design.multipliers},
          {"table_ports", design.table_ports},
          {"rom_bits", design.rom_bits},
          {"samples", design.samples},
          {"input_bits", design.input_bits},
          {"output_bits", design.output_bits}};
}

}  // namespace

json describe(const Graph& graph, const VerilogDesign& design, const Vectors& stimulus, const Vectors& expected) {
  json tensors = describe_tensors(graph);
  return {{"schema", kSchema},
          {"name", graph.name},
          {"fxir_sha256", hash_of(graph)},
          {"rounding", graph.meta.count("rounding") != 0 ? graph.meta.at("rounding") : "double"},
          {"design", describe_design(design)},
          {"tensors", std::move(tensors)},
          {"vectors",
           {{"count", stimulus.rows()},
            {"stim_sha256", io::sha256_hex(vectors_text(stimulus))},
            {"expect_sha256", io::sha256_hex(vectors_text(expected))}}}};
}

json sections_json(const std::vector<report::Table>& tables) {
  json sections = json::array();
  for (const report::Table& table : tables) {
    json columns = json::array(), rows = json::array();
    for (const report::Column& column : table.columns)
      columns.push_back({{"name", column.name}, {"unit", column.unit}, {"left", column.left}});
    for (const auto& row : table.rows) {
      rows.push_back(json::array());
      for (const report::Cell& cell : row) rows.back().push_back(cell.text);
    }
    sections.push_back({{"title", table.title}, {"note", table.note}, {"columns", columns}, {"rows", rows}});
  }
  return sections;
}

json read_report(const fs::path& folder) {
  json report = io::read_json(folder / "report.json");
  if (!report.is_object() || report.value("schema", "") != kSchema || !report["design"].is_object() ||
      !report["tensors"].is_array() || !report["vectors"].is_object()) {
    throw Error(ErrorKind::data, "this is no report of a hardware export",
                {(folder / "report.json").string(), 0, 0, ""}, "export the network again");
  }
  return report;
}

void update_report(const fs::path& folder, const std::string& part, const json& value) {
  json report = read_report(folder);
  report[part] = value;
  io::atomic_replace(folder / "report.json", io::json_text(report, 1) + "\n");
  io::atomic_replace(folder / "report.md", report_markdown(report));
}

namespace {

std::string whole(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? text::grouped(found->get<std::int64_t>()) : "-";
}

std::string word(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? text::printable(found->get<std::string>()) : "-";
}

report::Column words(const char* name) {
  return {name, "", true, false};
}
report::Column numbers(const char* name) {
  return {name, "", false, false};
}

report::Table tensor_table(const json& report) {
  report::Table table;
  table.title = "Formats and exact ranges";
  table.note =
      "bits: widest element; generic: what growth rules allocate without the weights; saved: over all elements";
  table.columns = {words("node"),      words("operator"), numbers("elements"), words("format"), numbers("lowest"),
                   numbers("highest"), numbers("bits"),   numbers("generic"),  numbers("saved")};
  std::int64_t total = 0;
  for (const json& row : report.at("tensors")) {
    table.rows.push_back({word(row, "name"), word(row, "op"), whole(row, "elements"), word(row, "type"),
                          whole(row, "lo"), whole(row, "hi"), whole(row, "bits"), whole(row, "generic_bits"),
                          whole(row, "bits_saved")});
    total += row.value("bits_saved", std::int64_t{0});
  }
  table.rows.push_back({"all", "", "", "", "", "", "", "", text::grouped(total)});
  table.last_is_total = true;
  return table;
}

report::Table design_table(const json& report) {
  const json& design = report.at("design");
  report::Table table;
  table.title = cat("Design ", word(design, "module"), ", ", word(design, "schedule"), " schedule");
  table.columns = {words("quantity"), numbers("value"), words("unit")};
  const auto row = [&](const char* label, const char* key, const char* unit) {
    table.rows.push_back({label, whole(design, key), unit});
  };
  row("latency", "latency_cycles", "clock cycles");
  row("one vector every", "interval_cycles", "clock cycles");
  if (design.value("samples", 1) > 1) row("samples of a vector, one per clock", "samples", "");
  row("pipeline registers", "register_bits", "bits");
  row("multiplications by constants", "constant_multiplications", "");
  row("multipliers of two values", "multipliers", "");
  row("table read ports", "table_ports", "");
  row("tables and weights in ROM", "rom_bits", "bits");
  row("input port", "input_bits", "bits");
  row("output port", "output_bits", "bits");
  return table;
}

report::Table area_table(const json& report) {
  report::Table table;
  table.title = "Area";
  table.columns = {words("synthesis"), numbers("LUT"),    numbers("FF"),     numbers("CARRY4"),
                   numbers("DSP"),     numbers("RAMB36"), numbers("RAMB18"), words("tool")};
  const auto found = report.find("synthesis");
  if (found == report.end() || !found->is_object()) return table;
  for (const auto& [metric, area] : found->items()) {
    table.rows.push_back({metric, whole(area, "lut"), whole(area, "ff"), whole(area, "carry4"), whole(area, "dsp"),
                          whole(area, "ramb36"), whole(area, "ramb18"), word(area, "tool")});
  }
  return table;
}

report::Table proof_table(const json& report) {
  report::Table table;
  table.title = "Verification";
  table.columns = {words("engine"), words("result")};
  const auto found = report.find("verification");
  if (found == report.end() || !found->is_object()) return table;
  for (const auto& [engine, line] : found->items()) {
    table.rows.push_back({engine, line.is_string() ? text::printable(line.get<std::string>()) : "-"});
  }
  return table;
}

/// The tables that the application added; whatever is not of their form is left out.
std::vector<report::Table> section_tables(const json& report) {
  std::vector<report::Table> out;
  for (const json& section : report.value("sections", json::array())) {
    report::Table table;
    table.title = word(section, "title");
    table.note = section.value("note", "");
    for (const json& column : section.value("columns", json::array()))
      table.columns.push_back({word(column, "name"), column.value("unit", ""), column.value("left", false), false});
    for (const json& row : section.value("rows", json::array())) {
      table.rows.emplace_back();
      for (const json& cell : row)
        table.rows.back().emplace_back(cell.is_string() ? text::printable(cell.get<std::string>()) : "-");
    }
    out.push_back(std::move(table));
  }
  return out;
}

std::vector<report::Table> tables(const json& report) {
  std::vector<report::Table> out = {tensor_table(report), design_table(report)};
  for (report::Table& section : section_tables(report)) out.push_back(std::move(section));
  for (report::Table optional : {area_table(report), proof_table(report)}) {
    if (!optional.rows.empty()) out.push_back(std::move(optional));
  }
  return out;
}

/// Cell text that Markdown takes literally.
std::string escaped(const std::string& cell) {
  std::string out;
  for (const char c : cell) {
    if (c == '|' || c == '<' || c == '*' || c == '_' || c == '`' || c == '[') out += '\\';
    out += c;
  }
  return out;
}

std::string markdown(const report::Table& table) {
  std::string out = cat("## ", table.title, "\n\n|");
  for (const auto& column : table.columns)
    out += cat(" ", column.name, column.unit.empty() ? "" : cat(" [", column.unit, "]"), " |");
  out += "\n|";
  for (const auto& column : table.columns) out += column.left ? " :-- |" : " --: |";
  for (const auto& row : table.rows) {
    out += "\n|";
    for (const auto& cell : row) out += cat(" ", escaped(cell.text), " |");
  }
  return out + "\n" + (table.note.empty() ? "" : cat("\n", table.note, "\n")) + "\n";
}

}  // namespace

std::string graph_text(const Graph& graph) {
  return report::plain_text(tensor_table({{"tensors", describe_tensors(graph)}})) + "\n";
}

std::string report_text(const json& report) {
  std::string out;
  for (const report::Table& table : tables(report)) out += report::plain_text(table) + "\n";
  return out;
}

std::string report_markdown(const json& report) {
  std::string out =
      cat("# ", escaped(word(report, "name")), "\n\nFXIR sha256 `", word(report, "fxir_sha256"), "`, vectors sha256 `",
          word(report.at("vectors"), "stim_sha256"), "` (", whole(report.at("vectors"), "count"), ").\n\n");
  for (const report::Table& table : tables(report)) out += markdown(table);
  return out;
}

}  // namespace thimble::hw
