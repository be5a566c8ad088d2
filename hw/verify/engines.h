#pragma once
// The engines of verify, each on one export folder.

#include "hw/ir/vectors.h"
#include "hw/verify/verify.h"

namespace thimble::hw {

/// An export folder as it was found.
struct Export {
  std::filesystem::path folder;
  Graph graph;
  Vectors stimulus, expected;
  std::vector<std::string> expected_words;  // lines of vec/expect.mem, made from vec/expect.txt
  std::string module, c_name;
  int latency = 0;        // as reported, 0 if unknown
  bool streamed = false;  // a vector is a window of samples that enter one by one
};

EngineResult run_interpreter(const Export& design);
EngineResult run_c(const Export& design, const VerifyOptions& options);
EngineResult run_verilator(const Export& design, const VerifyOptions& options);
EngineResult run_icarus(const Export& design, const VerifyOptions& options);

/// Runs the trace bench in Icarus over the first `vectors` vectors and finds the first node that differs.
/// Throws Error(failed) if it does not compile or run to its end.
std::optional<NodeDifference> trace_difference(const Export& design, std::size_t vectors, double seconds);

}  // namespace thimble::hw
