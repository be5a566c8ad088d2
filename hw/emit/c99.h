#pragma once
// FXIR as C99: one header, one source, no dependency, no dynamic memory, the same integers as the graph.

#include "hw/ir/graph.h"

#include <string>
#include <vector>

namespace thimble::hw {

/// A file of an export; the path is relative to its folder.
struct CFile {
  std::string path;
  std::string text;
};

struct CDesign {
  std::string name;              // the function, and the stem of the files
  std::vector<CFile> files;      // c/NAME.h, c/NAME.c, c/NAME_test.c
  std::int64_t table_bytes = 0;  // weights, biases and activation tables
  std::int64_t stack_bytes = 0;  // intermediate values
};

/// `void NAME(const NAME_in_t in[NAME_INPUTS], NAME_out_t out[NAME_OUTPUTS])`. The test program reads
/// vec/stim.txt and vec/expect.txt (or its two arguments), prints the first five mismatches, then
/// `RESULT vectors=<n> mismatches=<m>` and PASS or FAIL, and returns 0 only for PASS.
/// Throws Error(data) for a graph without ports or with partial sums beyond 63 bits.
CDesign emit_c99(const Graph& graph);

}  // namespace thimble::hw
