#include "hw/emit/words.h"

#include "core/base/error.h"

#include "hw/emit/identifiers.h"

namespace thimble::hw {
namespace {

using text::cat;

/// Signed type that holds all of them with f fraction bits.
FxType signed_type(const std::vector<std::int64_t>& data, int f) {
  Interval range{-1, 0};  // at least one bit of sign
  for (const std::int64_t q : data) range = hull(range, {q, q});
  return fixed::type_of(range, f, "a memory word");
}

/// Weights of one output after the other.
std::vector<std::int64_t> by_output(const op::Cmvm& op) {
  std::vector<std::int64_t> data;
  for (std::int64_t j = 0; j < op.n_out; ++j)
    for (std::int64_t i = 0; i < op.n_in; ++i) data.push_back(op.weight(i, j));
  return data;
}
std::vector<std::int64_t> by_output(const op::Conv1d& op) {
  std::vector<std::int64_t> data;
  for (std::int64_t o = 0; o < op.n_out; ++o)
    for (std::int64_t t = 0; t < op.taps; ++t)
      for (std::int64_t i = 0; i < op.group_in(); ++i) data.push_back(op.weight(t, i, o));
  return data;
}

template <class Layer>
WordArray weights_of(const Graph& graph, const Node& node, const Layer& op, const std::string& name, int bits) {
  THIMBLE_CHECK(op.frac.size() == 1, data, "node '", text::printable(name),
                "' has a fraction per column; its weights fill no single memory");
  WordArray array;
  array.name = name + "_weights";
  array.data = by_output(op);
  array.shape = {op.n_out, static_cast<std::int64_t>(array.data.size()) / op.n_out};
  array.type = signed_type(array.data, op.frac_at(0));
  if (bits > 0) {
    THIMBLE_CHECK(array.type.w <= bits, data, "weights of node '", text::printable(name), "' need ", array.type.w,
                  " bits, the memory has ", bits);
    array.type.w = bits;
  }
  array.meaning = cat("weights, neuron by neuron; ", comment_text(graph.tensor(node.output).name));
  return array;
}

template <class Layer>
WordArray bias_of(const Graph& graph, const Node& node, const Layer& op, const std::string& name) {
  WordArray array;
  array.name = name + "_bias";
  array.shape = {op.n_out};
  for (std::int64_t j = 0; j < op.n_out; ++j) array.data.push_back(op.bias_at(j));
  array.type = signed_type(array.data, graph.tensor(node.output).format.type.f);
  array.meaning = cat("biases in the scale of the sums; ", comment_text(graph.tensor(node.output).name));
  return array;
}

}  // namespace

std::vector<WordArray> design_words(const Graph& graph, int weight_bits) {
  Identifiers ids(40);
  std::vector<WordArray> arrays;
  for (const Node& node : graph.nodes) {
    const auto add = [&](const auto& layer, bool bias) {
      const std::string name = ids.unique(graph.tensor(node.output).name, "layer");
      arrays.push_back(weights_of(graph, node, layer, name, weight_bits));
      if (bias) arrays.push_back(bias_of(graph, node, layer, name));
    };
    const auto* matrix = std::get_if<op::Cmvm>(&node.op);
    if (matrix != nullptr && matrix->n_in * matrix->n_out > 0) add(*matrix, true);
    if (const auto* conv = std::get_if<op::Conv1d>(&node.op)) add(*conv, !conv->bias.empty());
  }
  for (const Table& table : graph.tables) {
    WordArray array;
    array.name = ids.unique("table " + table.name, "table");
    array.shape = {static_cast<std::int64_t>(table.values.size())};
    array.data = table.values;
    array.type = signed_type(table.values, table.type.f);
    array.meaning = cat("table; ", comment_text(table.name));
    arrays.push_back(std::move(array));
  }
  return arrays;
}

std::vector<WordFile> word_files(const std::string& name, const std::vector<WordArray>& arrays) {
  std::vector<WordFile> files{{name + ".vhd", vhdl_package(name, arrays)},
                              {name + ".sv", verilog_package(name, arrays)},
                              {name + ".h", c_header(name, arrays)},
                              {name + ".json", words_json(name, arrays)}};
  for (const WordArray& array : arrays) {
    files.push_back({cat("coe/", array.name, ".coe"), coe_text(array)});
    files.push_back({cat("mem/", array.name, ".mem"), mem_text(array)});
  }
  return files;
}

}  // namespace thimble::hw
