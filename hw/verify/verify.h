#pragma once
// Runs the interpreter, the compiled C and the Verilog of an export folder on the vectors of the folder. Anything that
// is missing, cut or changed makes the answer "not proven": equality is claimed only for what was read and compared.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace thimble::hw {

struct VerifyOptions {
  std::vector<std::string> engines = {};  // interpreter, c, verilator, icarus; empty: all that are installed
  std::size_t icarus_vectors = 500;       // the slow engine looks at this many
  double seconds = 300;                   // for each outside program
  /// Told about every engine as soon as it has ended; may be called from another thread.
  std::function<void(const struct EngineResult&)> ended = {};
};

/// One element in which an engine and vec/expect.txt differ.
struct VectorMismatch {
  std::size_t vector = 0, element = 0;
  std::string got;  // decimal, or "unknown bits"
  std::int64_t expected = 0;
};

struct EngineResult {
  enum class Status { equal, different, not_proven, skipped };

  std::string engine;
  Status status = Status::not_proven;
  std::size_t vectors = 0;                 // compared
  std::size_t mismatches = 0;              // vectors in which something differs
  std::string note = {};                   // why it was skipped or proves nothing
  std::vector<VectorMismatch> first = {};  // at most five
  int latency = 0;                         // measured clock cycles, RTL only
  double seconds = 0;

  /// "verilator: 0 mismatches of 10000", "icarus: skipped: iverilog not found (apt install iverilog)"
  std::string line() const;
};

/// The first node, in order of the graph, whose value inside the Verilog is not that of the interpreter.
struct NodeDifference {
  std::string node;
  std::size_t vector = 0, element = 0;
  std::int64_t expected = 0;
  std::string got;  // decimal, or x for unknown bits

  std::string line() const;
};

struct VerifyResult {
  std::vector<std::string> faults = {};  // of the folder: changed, missing or cut files
  std::vector<EngineResult> engines = {};
  std::optional<NodeDifference> first_difference = {};

  /// All engines that ran agree on all their vectors, one of them simulated the Verilog, and the folder is whole.
  bool proven() const;
  /// One line per fault and engine, the mismatches, and the verdict.
  std::string text() const;
};

/// Throws Error(tool) if an engine asked for by name, or every Verilog simulator, is not installed; Error(usage) for an
/// unknown engine; Error(io) if there is no such folder. Nothing in the folder is changed.
VerifyResult verify(const std::filesystem::path& folder, const VerifyOptions& options = {});

/// What the trace bench shows.
struct Explanation {
  bool equal = false;
  std::string text;
};

/// Compares every node inside the Verilog with the interpreter on the first vectors, in Icarus. Throws Error(tool)
/// without Icarus, Error(data) for a folder that cannot be read, Error(failed) if the bench does not run.
Explanation explain(const std::filesystem::path& folder, std::size_t vectors, double seconds = 300);

/// The engines, with the Debian package of each.
struct EngineTool {
  const char* engine;
  std::vector<const char*> programs;  // all needed
  const char* package;
  bool rtl;
};
const std::vector<EngineTool>& engine_tools();
/// Programs of the engine that are not installed.
std::vector<std::string> missing_programs(const EngineTool& tool);

}  // namespace thimble::hw
