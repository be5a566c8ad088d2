#pragma once
// What is known about a design, as numbers in report.json and as text: formats, ranges, bits saved, cycles, area.

#include "core/report/table.h"

#include "hw/emit/verilog.h"
#include "hw/ir/vectors.h"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <string>

namespace thimble::hw {

/// Facts that need no tool: per node formats, exact ranges and the bits that the exact ranges save against the generic
/// growth rules; cycles, registers, multiplications, tables of the design; hashes of graph and vectors.
nlohmann::json describe(const Graph& graph, const VerilogDesign& design, const Vectors& stimulus,
                        const Vectors& expected);

/// Tables of an application as a part of the report, "sections"; the texts of their cells.
nlohmann::json sections_json(const std::vector<report::Table>& tables);

/// Reads report.json of an export. Throws Error(data) if it is not one of ours.
nlohmann::json read_report(const std::filesystem::path& folder);
/// Sets one part ("verification", "synthesis") and writes report.json and report.md again, atomically.
void update_report(const std::filesystem::path& folder, const std::string& part, const nlohmann::json& value);

/// Formats and exact ranges of a graph alone.
std::string graph_text(const Graph& graph);
/// Aligned tables for the terminal.
std::string report_text(const nlohmann::json& report);
/// The same as Markdown, for report.md.
std::string report_markdown(const nlohmann::json& report);

}  // namespace thimble::hw
