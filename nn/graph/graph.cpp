#include "nn/graph/graph.h"

#include "core/base/error.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>

namespace thimble::nn {
namespace {

bool is_name(const std::string& name) {
  const auto allowed = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-'; };
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), allowed);
}

}  // namespace

std::string kind_of(const Layer& layer) {
  return std::visit([](const auto& l) { return std::string(std::remove_cvref_t<decltype(l)>::kKind); }, layer);
}

int Graph::source(const std::string& node, const std::string& input) const {
  if (input == kInput) return -1;
  for (std::size_t i = 0; i < nodes_.size(); ++i)
    if (nodes_[i].name == input) return static_cast<int>(i);
  fail(ErrorKind::value, "graph: node ", node, " reads '", text::printable(input), "', no earlier node has that name");
}

Graph& Graph::add(std::string name, Layer layer, std::vector<std::string> inputs) {
  THIMBLE_CHECK(is_name(name) && name != kInput, value, "graph: '", text::printable(name),
                "' is no node name; letters, digits, _ and - are allowed, '", kInput, "' is taken");
  THIMBLE_CHECK(find(name) == nullptr, value, "graph: there are two nodes of the name ", name);
  if (inputs.empty()) inputs.push_back(nodes_.empty() ? kInput : nodes_.back().name);
  THIMBLE_CHECK(inputs.size() == 1, value, "graph: node ", name, " takes one input, not ", inputs.size());
  std::vector<int> sources{source(name, inputs[0])};
  const Shape& shape = sources[0] < 0 ? sample_ : nodes_[static_cast<std::size_t>(sources[0])].shape;
  Shape result;
  try {
    result = std::visit([&](const auto& l) { return l.output_shape(shape); }, layer);
    std::visit([&](auto& l) { l.make(dtype_); }, layer);
  } catch (const Error& e) {
    throw Error(e.kind(), text::cat("graph: node ", name, ": ", e.message()));
  }
  if (std::holds_alternative<LookUp>(layer)) check_table(name, sources[0]);
  if (sources[0] >= 0) ++readers_[static_cast<std::size_t>(sources[0])];
  nodes_.push_back({std::move(name), std::move(inputs), std::move(layer), std::move(sources), result});
  readers_.push_back(0);
  return *this;
}

Layer* Graph::find(std::string_view name) {
  for (Node& node : nodes_)
    if (node.name == name) return &node.layer;
  return nullptr;
}

/// The layer of the next node, if that alone reads this one.
const Layer* Graph::alone_behind(std::size_t node) const {
  if (node + 1 >= nodes_.size() || readers_[node] != 1) return nullptr;
  const Node& next = nodes_[node + 1];
  return next.sources[0] == static_cast<int>(node) ? &next.layer : nullptr;
}

/// A table reads exact sums: the node before it must be a linear layer whose numbers all have formats.
void Graph::check_table(const std::string& name, int source) const {
  const Node* before = source < 0 ? nullptr : &nodes_[static_cast<std::size_t>(source)];
  const auto* linear = before ? std::get_if<Linear>(&before->layer) : nullptr;
  THIMBLE_CHECK(linear && before == &nodes_.back(), value, "graph: the table ", name,
                " must stand behind a linear node");
  THIMBLE_CHECK(linear->weight_format && (linear->bias_format || !linear->has_bias), value, "graph: the node ",
                before->name, " before the table ", name, " needs formats for weight and bias");
  largest_input(*before);
}

double Graph::largest_input(const Node& node) const {
  const int source = node.sources[0];
  const Layer* before = source < 0 ? nullptr : &nodes_[static_cast<std::size_t>(source)].layer;
  const fixed::FxType* type = nullptr;
  if (const auto* quant = before ? std::get_if<FakeQuant>(before) : nullptr) type = &quant->format.type;
  if (const auto* table = before ? std::get_if<LookUp>(before) : nullptr) type = &table->out;
  THIMBLE_CHECK(type, value, "graph: the input of ", node.name, " has no format; put a fake_quant before it");
  return std::max(std::abs(type->value(type->lo())), type->value(type->hi()));
}

Var Graph::operator()(const Var& x, const Pass& pass) const {
  std::vector<Var> values(nodes_.size());
  const auto value_of = [&](int source) -> const Var& {
    return source < 0 ? x : values[static_cast<std::size_t>(source)];
  };
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Var& in = value_of(nodes_[i].sources[0]);
    const auto* linear = std::get_if<Linear>(&nodes_[i].layer);
    const Layer* next = linear ? alone_behind(i) : nullptr;
    const auto* act = next ? std::get_if<Activate>(next) : nullptr;
    const auto* table = next ? std::get_if<LookUp>(next) : nullptr;
    if (table) {
      values[i + 1] = table->after(*linear, in, largest_input(nodes_[i]));
      ++i;
    } else if (act && act->function.gradient_from_output()) {
      values[i + 1] = (*linear)(in, pass, act->function);
      ++i;
    } else {
      values[i] = std::visit([&](const auto& layer) { return layer(in, pass); }, nodes_[i].layer);
    }
  }
  return nodes_.empty() ? x : values.back();
}

void copy_weights(const Graph& from, Graph& to) {
  std::map<std::string, const Tensor*> given;
  for_each_leaf(from, [&](const std::string& path, const auto& leaf) { given[path] = &leaf.value; });
  std::vector<std::string> wrong;
  std::vector<std::pair<const Tensor*, Tensor>> copies;
  for_each_leaf(to, [&](const std::string& path, auto& leaf) {
    const auto found = given.find(path);
    if (found == given.end())
      wrong.push_back(path + " is missing");
    else if (!(found->second->shape() == leaf.value.shape()))
      wrong.push_back(text::cat(path, " is ", found->second->shape(), ", wanted ", leaf.value.shape()));
    else
      copies.emplace_back(found->second, leaf.value);
    given.erase(path);
  });
  for (const auto& [path, tensor] : given) wrong.push_back(path + " is not wanted");
  THIMBLE_CHECK(wrong.empty(), shape, "weights of another network: ", text::join(wrong, "; "));
  for (const auto& [source, target] : copies) copy_into(source->to(target.dtype()), target);
}

}  // namespace thimble::nn
