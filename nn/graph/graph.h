#pragma once
// A network as data: nodes in order of evaluation, each a layer struct with named inputs. It is a module like any
// hand-written struct, and the one description that checkpoint, counting, quantisation and hardware lowering work on.

#include "nn/layers/batch_norm.h"
#include "nn/layers/linear.h"
#include "nn/layers/quantised.h"
#include "nn/layers/simple.h"
#include "nn/layers/wavelet_bank.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <variant>
#include <vector>

namespace thimble::nn {

using Layer = std::variant<Linear, BatchNorm, Activate, LookUp, FakeQuant, Dropout, Flatten, WaveletBank>;

/// "linear", "batch_norm", ...
std::string kind_of(const Layer& layer);

class Graph {
 public:
  /// Name of the network's input in Node::inputs.
  static constexpr const char* kInput = "input";

  struct Node {
    std::string name;                 // letters, digits, _ and -; unique; first part of parameter paths
    std::vector<std::string> inputs;  // names of earlier nodes, or kInput
    Layer layer;
    std::vector<int> sources;  // inputs as node numbers, -1 = kInput; kept by add()
    Shape shape;               // of one sample of the result; kept by add()
  };

  Graph() = default;
  /// An empty network: output = input. `sample` is the shape of one input sample.
  explicit Graph(Shape sample, DType dtype = DType::f32) : sample_(sample), dtype_(dtype) {}

  /// Appends a node; without inputs it reads the node before it. Parameters are made in the dtype of the graph, at
  /// zero. Throws Error(value) for a bad or repeated name or an unknown input, Error(shape) naming the node.
  Graph& add(std::string name, Layer layer, std::vector<std::string> inputs = {});

  /// Output of the last node for x [B, sample]; linear and the activation behind it run as one kernel.
  Var operator()(const Var& x, const Pass& pass = {}) const;

  static void members(auto& self, auto&& visit) {
    for (auto& node : self.nodes_) std::visit([&](auto& layer) { visit(node.name, layer); }, node.layer);
  }

  const std::vector<Node>& nodes() const { return nodes_; }
  /// Largest magnitude that the format of a node's input proves; Error(value) if nothing bounds it.
  double largest_input(const Node& node) const;
  /// Null if there is none of that name.
  Layer* find(std::string_view name);
  const Shape& sample_shape() const { return sample_; }
  Shape output_shape() const { return nodes_.empty() ? sample_ : nodes_.back().shape; }
  DType dtype() const { return dtype_; }

 private:
  int source(const std::string& node, const std::string& input) const;
  const Layer* alone_behind(std::size_t node) const;
  void check_table(const std::string& name, int source) const;

  Shape sample_;
  DType dtype_ = DType::f32;
  std::vector<Node> nodes_;
  std::vector<int> readers_;  // how many nodes read each node
};

/// The one text form: {"format", "dtype", "input", "nodes": [{"name", "kind", "inputs", ...fields}]}; no weights.
nlohmann::json to_json(const Graph& graph);
/// Throws Error(data) naming the node and the field.
Graph graph_from_json(const nlohmann::json& json);

/// Copies weights and buffers of the same paths and shapes; both graphs must have the same ones. Dtypes may differ
/// (rounding to the nearest). Throws Error(shape) listing the differences.
void copy_weights(const Graph& from, Graph& to);

/// Cost of one node for one sample.
struct Cost {
  std::string name, kind;
  Shape shape;                  // of the result
  std::int64_t parameters = 0;  // trained numbers
  std::int64_t nonzero = 0;     // of those, not zero
  std::int64_t macs = 0;        // multiply-accumulates, bias not counted
  std::int64_t elements_in = 0, elements_out = 0;
};

std::vector<Cost> costs(const Graph& graph);
Cost total(const std::vector<Cost>& costs);
/// Table for people: node, kind, shape, parameters, MACs, and the sums.
std::string describe(const Graph& graph);

}  // namespace thimble::nn
