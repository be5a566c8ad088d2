#pragma once
// Files for firmware that is written by hand: weights and tables to fill its memories, and what every node computes to
// check them.

#include "hw/emit/words.h"

namespace thimble::hw {

struct FirmwareOptions {
  std::size_t vectors = 0;  // vectors with the values of every node; 0: no firmware folder
  int weight_bits = 0;      // width of weight words, 0: the smallest of each node
};

/// NODE_values [vectors, elements] of every node with elements, inputs first: inputs, accumulators, hidden values,
/// outputs, as evaluate() computes them. At most `count` vectors.
std::vector<WordArray> vector_words(const Graph& graph, const Vectors& stimulus, std::size_t count);

/// firmware/words/* and firmware/vectors/* in every format of hw/emit/words.h.
std::vector<WordFile> firmware_files(const Graph& graph, const Vectors& stimulus, const FirmwareOptions& options);

}  // namespace thimble::hw
