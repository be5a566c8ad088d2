#pragma once
// FXIR version 1 as JSON. Reading is strict and ends in a checked graph; writing is canonical.

#include "hw/ir/graph.h"

#include <filesystem>
#include <string>
#include <string_view>

namespace thimble::hw {

/// Reads one graph. `file` is the name shown in errors. Throws Error(data) with file, place inside it and remedy for
/// bad syntax, duplicate or unknown keys, numbers that are not integers, widths outside 1..62, shapes that do not fit,
/// unknown or later tensors, tensors nobody makes, and everything that Graph::append refuses.
Graph parse_graph(std::string_view text, const std::string& file);
/// parse_graph of a regular file. Throws Error(io) if it cannot be read.
Graph read_graph(const std::filesystem::path& path);

/// Sorted keys, no spaces, integers beyond 2^53 as decimal strings: equal graphs give equal bytes.
std::string canonical_text(const Graph& graph);
/// SHA-256 of the canonical text, lower-case hex; stands in the header of every generated file.
std::string hash_of(const Graph& graph);
/// Writes the canonical text and a newline, atomically. Throws Error(io).
void write_graph(const std::filesystem::path& path, const Graph& graph);

}  // namespace thimble::hw
