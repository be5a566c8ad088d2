#pragma once
// The numbers of a design as named arrays of stored integers, apart from any logic: weights, biases, tables, and what
// every node computes for test vectors. Firmware that was written by hand is filled and checked with them.

#include "hw/ir/vectors.h"

#include <string>
#include <string_view>
#include <vector>

namespace thimble::hw {

/// Integers of one format, row-major, one or two dimensions. Words are signed: two's complement of type.w bits.
struct WordArray {
  std::string name;  // a legal identifier of all languages, unique in its set
  FxType type;
  std::vector<std::int64_t> shape;  // [elements] or [rows, elements]
  std::vector<std::int64_t> data;
  std::string meaning;  // one line for comments

  bool operator==(const WordArray&) const = default;
};

/// For every cmvm NODE: NODE_weights [n_out, n_in] (neuron by neuron) and NODE_bias [n_out] in the scale of the sums;
/// for every conv1d NODE_weights [n_out, taps * channels] (tap by tap) and its biases if it has any; every table once.
/// `weight_bits` > 0 is the width of all weight words, so that several networks fill the same memory; 0: the smallest
/// of each node. Throws Error(data) for a weight that does not fit, or matrices with a fraction per column.
std::vector<WordArray> design_words(const Graph& graph, int weight_bits = 0);

// One array per text. Words in hexadecimal, one per line, row-major; comments tell name, width, fraction and shape.
/// Memory contents for block RAM generators (.coe).
std::string coe_text(const WordArray& array);
/// For $readmemh (.mem).
std::string mem_text(const WordArray& array);
/// Read them back as `count` words of a type. Throw Error(data) with file and line for other characters, a word that is
/// too wide, or another number of words.
std::vector<std::int64_t> parse_coe(std::string_view text, const FxType& type, std::size_t count,
                                    const std::string& file);
std::vector<std::int64_t> parse_mem(std::string_view text, const FxType& type, std::size_t count,
                                    const std::string& file);

// All arrays in one text. `name` is an identifier; constants are called as the arrays, _BITS and _FRACTION beside them.
/// VHDL-93 package of arrays of signed (ieee.numeric_std); words as bit strings.
std::string vhdl_package(const std::string& name, const std::vector<WordArray>& arrays);
/// SystemVerilog package of unpacked arrays of logic signed.
std::string verilog_package(const std::string& name, const std::vector<WordArray>& arrays);
/// C99 header of static const arrays.
std::string c_header(const std::string& name, const std::vector<WordArray>& arrays);
/// {"schema": "thimble.words/1", "name", "arrays": [{"name", "bits", "fraction", "shape", "data", "meaning"}]}
std::string words_json(const std::string& name, const std::vector<WordArray>& arrays);
/// Throws Error(data) naming the array and the field.
std::vector<WordArray> parse_words_json(std::string_view text, const std::string& file);

/// A file of a firmware folder, relative to it.
struct WordFile {
  std::string path;
  std::string text;
};
/// Every array in every format: coe/ARRAY.coe, mem/ARRAY.mem, NAME.vhd, NAME.sv, NAME.h, NAME.json.
std::vector<WordFile> word_files(const std::string& name, const std::vector<WordArray>& arrays);

}  // namespace thimble::hw
