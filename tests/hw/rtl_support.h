#pragma once
// What the tests of Verilog and verification share: which tools there are, small graphs, files changed on purpose.

#include "core/io/file.h"

#include "hw/emit/stimulus.h"
#include "hw/verify/export_folder.h"
#include "hw/verify/process.h"
#include "hw/verify/verify.h"

#include <doctest/doctest.h>

#include <fstream>

#include "tests/support/temp_folder.h"

namespace thimble::test {

/// True if every program is installed; else says so, and the test returns.
inline bool installed(const std::vector<std::string>& programs) {
  for (const std::string& program : programs) {
    if (!hw::program_path(program).empty()) continue;
    MESSAGE("skipped: " << program << " not installed");
    return false;
  }
  return true;
}

/// Export of a graph in a folder of its own, with corner and random vectors.
inline std::filesystem::path exported(const TempFolder& folder, const hw::Graph& graph, hw::Timing timing,
                                      std::size_t vectors, int reuse = 0, int levels = 6) {
  hw::ExportOptions options;
  options.verilog.timing = timing;
  options.verilog.reuse = reuse;
  options.verilog.levels_per_stage = levels;
  const auto path = folder / "design";
  hw::export_folder(graph, hw::stimulus(graph, vectors, 1), options, path);
  return path;
}

/// Interpreter and Icarus.
inline hw::VerifyResult simulated(const std::filesystem::path& folder) {
  hw::VerifyOptions options;
  options.engines = {"interpreter", "icarus"};
  options.icarus_vectors = 1000;
  return hw::verify(folder, options);
}

inline void write_text(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

/// Replaces the first occurrence.
inline void edit(const std::filesystem::path& path, const std::string& from, const std::string& to) {
  std::string text = io::read_file(path);
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  write_text(path, text.replace(at, from.size(), to));
}

/// y = 3*x0 - 5*x1 + 7, four bits in.
inline hw::Graph tiny_net() {
  hw::Graph graph;
  graph.name = "tiny";
  const auto x = graph.append("x", hw::op::Input{{2}, {{4, true, 0}}});
  const auto y = graph.append("y", hw::op::Cmvm{2, 1, {3, -5}, {0}, {7}}, {x});
  graph.append("", hw::op::Output{}, {y});
  return graph;
}

}  // namespace thimble::test
