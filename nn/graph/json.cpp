#include "core/base/error.h"

#include "nn/graph/graph.h"

#include <nlohmann/json.hpp>

namespace thimble::nn {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "thimble-graph/1";

json text_of(const fixed::Quantiser& q) {
  constexpr const char* kGrads[] = {"pass", "mask", "mask_pos", "table"};
  return {{"type", q.str()}, {"grad", kGrads[static_cast<int>(q.grad)]}, {"channel_f", q.channel_f}};
}

fixed::Quantiser quantiser_from(const json& value) {
  fixed::Quantiser q = fixed::parse_quantiser(value.at("type").get<std::string>());
  const auto grad = value.at("grad").get<std::string>();
  using enum fixed::Grad;
  q.grad = grad == "mask" ? mask : grad == "mask_pos" ? mask_pos : grad == "table" ? table : pass;
  q.channel_f = value.at("channel_f").get<std::vector<int>>();
  return q;
}

/// Writes the fields of a layer into its JSON object.
struct FieldWriter {
  json& out;

  template <class T>
  requires std::is_arithmetic_v<T>
  void operator()(const char* name, const T& value) const { out[name] = value; }
  void operator()(const char* name, const Activation& value) const {
    out[name] = name_of(value.kind);
    if (value.kind == Act::leaky_relu) out["slope"] = value.slope;
  }
  void operator()(const char* name, Flatten::Order value) const {
    out[name] = value == Flatten::Order::chw ? "chw" : "hwc";
  }
  void operator()(const char* name, kernels::WaveletPool value) const { out[name] = name_of(value); }
  void operator()(const char* name, const std::vector<std::int64_t>& value) const { out[name] = value; }
  void operator()(const char* name, const fixed::FxType& value) const { out[name] = value.str(); }
  void operator()(const char* name, const fixed::Quantiser& value) const { out[name] = text_of(value); }
  void operator()(const char* name, const std::optional<fixed::Quantiser>& value) const {
    if (value) out[name] = text_of(*value);
  }
};

/// Reads them back; every field must be there and of the right type.
struct FieldReader {
  const json& in;

  template <class T>
  requires std::is_arithmetic_v<T>
  void operator()(const char* name, T& value) const { value = in.at(name).get<T>(); }
  void operator()(const char* name, Activation& value) const {
    value = Activation(act_from_name(in.at(name).get<std::string>()));
    if (value.kind == Act::leaky_relu) value.slope = in.at("slope").get<double>();
  }
  void operator()(const char* name, Flatten::Order& value) const {
    const auto order = in.at(name).get<std::string>();
    THIMBLE_CHECK(order == "chw" || order == "hwc", data, "order '", text::printable(order),
                  "' is neither chw nor hwc");
    value = order == "chw" ? Flatten::Order::chw : Flatten::Order::hwc;
  }
  void operator()(const char* name, kernels::WaveletPool& value) const {
    value = wavelet_pool(in.at(name).get<std::string>());
  }
  void operator()(const char* name, std::vector<std::int64_t>& value) const {
    value = in.at(name).get<std::vector<std::int64_t>>();
  }
  void operator()(const char* name, fixed::FxType& value) const {
    value = fixed::parse_quantiser(in.at(name).get<std::string>()).type;
  }
  void operator()(const char* name, fixed::Quantiser& value) const { value = quantiser_from(in.at(name)); }
  void operator()(const char* name, std::optional<fixed::Quantiser>& value) const {
    if (in.contains(name)) value = quantiser_from(in.at(name));
  }
};

/// Layer of the alternative whose kKind it is; all fields read.
template <std::size_t I = 0>
Layer layer_from(const std::string& kind, const json& node) {
  if constexpr (I == std::variant_size_v<Layer>) {
    fail(ErrorKind::data, "unknown kind '", text::printable(kind), "'");
  } else {
    using L = std::variant_alternative_t<I, Layer>;
    if (kind != L::kKind) return layer_from<I + 1>(kind, node);
    L layer;
    L::fields(layer, FieldReader{node});
    return layer;
  }
}

}  // namespace

json to_json(const Graph& graph) {
  json nodes = json::array();
  for (const Graph::Node& node : graph.nodes()) {
    json one = {{"name", node.name}, {"kind", kind_of(node.layer)}, {"inputs", node.inputs}};
    std::visit([&](const auto& layer) { std::remove_cvref_t<decltype(layer)>::fields(layer, FieldWriter{one}); },
               node.layer);
    nodes.push_back(std::move(one));
  }
  const Shape& sample = graph.sample_shape();
  return {{"format", kFormat},
          {"dtype", name_of(graph.dtype())},
          {"input", std::vector<std::int64_t>(sample.begin(), sample.end())},
          {"nodes", std::move(nodes)}};
}

Graph graph_from_json(const json& value) {
  std::string where = "graph";
  try {
    THIMBLE_CHECK(value.at("format") == kFormat, data, "the description is not of the format ", kFormat);
    const auto sample = value.at("input").get<std::vector<std::int64_t>>();
    Graph graph{Shape(std::span<const std::int64_t>(sample)), value.at("dtype") == "f64" ? DType::f64 : DType::f32};
    for (const json& node : value.at("nodes")) {
      const auto name = node.at("name").get<std::string>();
      where = "node '" + text::printable(name) + "'";
      graph.add(name, layer_from(node.at("kind").get<std::string>(), node),
                node.at("inputs").get<std::vector<std::string>>());
    }
    return graph;
  } catch (const json::exception& e) {
    throw Error(ErrorKind::data, text::cat(where, ": ", text::printable(e.what())));
  } catch (const Error& e) {
    throw Error(ErrorKind::data, text::cat(where, ": ", e.message()), e.place(), e.hint());
  }
}

}  // namespace thimble::nn
