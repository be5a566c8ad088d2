#include "core/base/error.h"

#include "nn/graph/graph.h"

#include <algorithm>

namespace thimble::nn {
namespace {

Cost cost_of(const Graph::Node& node, const Shape& in) {
  Cost cost{node.name, kind_of(node.layer), node.shape};
  cost.elements_in = in.numel();
  cost.elements_out = node.shape.numel();
  std::visit(
      [&](const auto& layer) {
        cost.macs = layer.macs(in);
        for_each_parameter(layer, [&](const std::string&, const Parameter& p) {
          const std::vector<double> values = p.value.to_vector();
          cost.parameters += p.value.numel();
          cost.nonzero += std::count_if(values.begin(), values.end(), [](double v) { return v != 0; });
        });
      },
      node.layer);
  return cost;
}

}  // namespace

std::vector<Cost> costs(const Graph& graph) {
  std::vector<Cost> all;
  for (const Graph::Node& node : graph.nodes()) {
    const int source = node.sources[0];
    all.push_back(
        cost_of(node, source < 0 ? graph.sample_shape() : graph.nodes()[static_cast<std::size_t>(source)].shape));
  }
  return all;
}

Cost total(const std::vector<Cost>& costs) {
  Cost sum{"total", "", costs.empty() ? Shape{} : costs.back().shape};
  for (const Cost& c : costs) {
    sum.parameters += c.parameters;
    sum.nonzero += c.nonzero;
    sum.macs += c.macs;
  }
  sum.elements_in = costs.empty() ? 0 : costs.front().elements_in;
  sum.elements_out = costs.empty() ? 0 : costs.back().elements_out;
  return sum;
}

std::string describe(const Graph& graph) {
  std::vector<std::vector<std::string>> rows{{"node", "kind", "shape", "parameters", "MACs"}};
  std::vector<Cost> all = costs(graph);
  all.push_back(total(all));
  for (const Cost& c : all)
    rows.push_back({c.name, c.kind, c.shape.str(), text::grouped(c.parameters), text::grouped(c.macs)});
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t column = 0; column < row.size(); ++column) {
      std::size_t width = 0;
      for (const auto& other : rows) width = std::max(width, other[column].size());
      const std::string space(width - row[column].size(), ' ');
      line += column < 3 ? row[column] + space + "  " : space + row[column] + "  ";  // text left, numbers right
    }
    out += std::string(line.substr(0, line.find_last_not_of(' ') + 1)) + "\n";
  }
  return out;
}

}  // namespace thimble::nn
