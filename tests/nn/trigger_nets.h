#pragma once
// The reference networks and numbers of the track trigger: data/neurotrigger beside the project.

#include "core/io/file.h"
#include "core/io/hdf5.h"
#include "core/io/json.h"

#include "nn/graph/graph.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace thimble::test {

/// ntref.h5, its arrays by path.
class Reference {
 public:
  explicit Reference(const std::filesystem::path& file) {
    io::Hdf5Rules rules;
    rules.foreign = true;
    tree_ = io::parse_hdf5(io::read_file(file), file.string(), rules);
  }
  const io::Hdf5Tree& tree() const { return tree_; }
  const io::Array& array(const std::string& path) const { return tree_.datasets.at(path).numbers; }
  Tensor tensor(const std::string& path, DType dtype = DType::f64) const { return array(path).tensor(dtype); }
  std::vector<double> numbers(const std::string& path) const { return array(path).doubles(); }
  double attribute(const std::string& object, const std::string& name) const {
    return tree_.attributes.at(object).at(name).numbers.doubles().front();
  }

 private:
  io::Hdf5Tree tree_;
};

/// BaselineModel, BaselineModelBN or SimpleModel of neurotrigger.md 2.1; node k is the original's net.k.
inline nn::Graph trigger_net(const std::string& model, std::int64_t outputs, Activation act, DType dtype = DType::f64) {
  nn::Graph graph(Shape{27}, dtype);
  const auto next = [&] { return "net_" + std::to_string(graph.nodes().size()); };
  const auto layer = [&](std::int64_t width, bool norm, bool activated) {
    graph.add(next(), nn::Linear(graph.output_shape()[0], width));
    if (norm) graph.add(next(), nn::BatchNorm(width));
    if (activated) graph.add(next(), nn::Activate{act});
  };
  if (model == "SimpleModel") {
    for (const std::int64_t width : {50, 100, 50, 10}) layer(width, true, true);
    layer(outputs, false, false);
  } else {
    layer(81, model == "BaselineModelBN", true);
    layer(outputs, false, true);
  }
  return graph;
}

/// "net_0.weight" -> "net.0.weight"
inline std::string original_path(std::string path) {
  path[3] = '.';
  return path;
}

/// Puts the arrays below `group` of the reference into the leaves of the same paths.
inline void load(const Reference& reference, const std::string& group, nn::Graph& graph) {
  nn::for_each_leaf(graph, [&](const std::string& path, auto& leaf) {
    copy_into(reference.tensor(group + "/" + original_path(path), graph.dtype()), leaf.value);
  });
}

/// BaselineModel with the weights of one expert of weights_ref.json.
inline nn::Graph trained_expert(const nlohmann::json& weights, std::int64_t expert, Activation act,
                                DType dtype = DType::f64) {
  nn::Graph graph = trigger_net("BaselineModel", 2, act, dtype);
  const nlohmann::json& values = weights.at("expert_" + std::to_string(expert)).at("weights");
  nn::for_each_parameter(graph, [&](const std::string& path, nn::Parameter& p) {
    std::vector<float> flat;
    for (const auto& row : values.at("model." + original_path(path))) {
      if (row.is_array())
        for (const auto& value : row) flat.push_back(value.get<float>());
      else
        flat.push_back(row.get<float>());
    }
    copy_into(Tensor::from(flat, p.value.shape()).to(dtype), p.value);
  });
  return graph;
}

/// Largest |a - b|.
inline double difference(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return 1e300;
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

}  // namespace thimble::test
