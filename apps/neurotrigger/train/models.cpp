#include "apps/neurotrigger/train/models.h"

#include "core/base/error.h"
#include "core/parallel/blocks.h"

#include "nn/init.h"

#include "apps/neurotrigger/hardware/hardware_model.h"

#include <algorithm>
#include <array>

namespace thimble::neurotrigger {
namespace {

constexpr std::int64_t kHidden = 81;
constexpr std::int64_t kRowsPerBlock = 8192;
constexpr std::string_view kNode = "net_", kName = "net.";

std::string node_name(int position) {
  return text::cat(kNode, position);
}

/// "net_0.weight" -> "net.0.weight"
std::string state_name(const std::string& path) {
  return std::string(kName) + path.substr(kNode.size());
}

nn::Graph baseline(const ModelSpec& spec, bool normalised) {
  const Activation act(act_from_name(spec.act));
  nn::Graph graph(Shape{spec.in});
  int position = 0;
  const auto add = [&](nn::Layer layer) { graph.add(node_name(position++), std::move(layer)); };
  add(nn::Linear(spec.in, kHidden));
  if (normalised) add(nn::BatchNorm(kHidden));
  add(nn::Activate{act});
  add(nn::Linear(kHidden, spec.out));
  add(nn::Activate{act});
  return graph;
}

nn::Graph simple(const ModelSpec& spec) {
  const Activation act(act_from_name(spec.act));
  nn::Graph graph(Shape{spec.in});
  int position = 0;
  const auto add = [&](nn::Layer layer) { graph.add(node_name(position++), std::move(layer)); };
  std::int64_t width = spec.in;
  for (const std::int64_t next : {50, 100, 50, 10}) {
    add(nn::Linear(width, next));
    add(nn::BatchNorm(next));
    add(nn::Activate{act});
    width = next;
  }
  add(nn::Linear(width, spec.out));
  return graph;
}

nn::Graph mlp(const ModelSpec& spec) {
  const std::size_t layers = spec.hidden.size() + 1;
  if (!spec.acts.empty() && spec.acts.size() != layers)
    throw Error(ErrorKind::config,
                text::cat("layer_acts has ", spec.acts.size(), " activations, the network ", layers, " layers"),
                {"", 0, 0, "layer_acts"}, "one per hidden layer and one for the output, or none");
  nn::Graph graph(Shape{spec.in});
  std::int64_t width = spec.in;
  int position = 0;
  for (std::size_t i = 0; i < layers; ++i) {
    const std::int64_t next = i + 1 < layers ? spec.hidden[i] : spec.out;
    graph.add(node_name(position++), nn::Linear(width, next));
    graph.add(node_name(position++), nn::Activate{act_from_name(spec.acts.empty() ? spec.act : spec.acts[i])});
    width = next;
  }
  return graph;
}

nn::Graph plain_model(const ModelSpec& spec) {
  if (spec.model == "MLP") return mlp(spec);
  if (spec.model == "BaselineModel") return baseline(spec, false);
  if (spec.model == "BaselineModelBN") return baseline(spec, true);
  THIMBLE_CHECK(spec.model == "SimpleModel", config, "unknown model '", spec.model, "'");
  return simple(spec);
}

/// Training keeps the weights as the hardware has them, so its table must be that of the network.
void check_tables(const nn::Graph& plain, const ModelSpec& spec) {
  const Act wanted = spec.quant == "hw-a" ? Act::tanh_half : Act::tanh;
  for (const nn::Graph::Node& node : plain.nodes()) {
    const auto* act = std::get_if<nn::Activate>(&node.layer);
    const bool normalised = std::holds_alternative<nn::BatchNorm>(node.layer);
    if (!normalised && (act == nullptr || act->function.kind == wanted)) continue;
    const std::string found = normalised ? "batch normalisation" : name_of(act->function.kind);
    throw Error(ErrorKind::config,
                text::cat("quant=", spec.quant, " trains networks of ", name_of(wanted), "; this is ", spec.model,
                          " with ", found),
                {"", 0, 0, "quant"}, text::cat("choose act=", name_of(wanted), " and a model without normalisation"));
  }
}

}  // namespace

nn::Graph build_model(const ModelSpec& spec) {
  nn::Graph plain = plain_model(spec);
  if (!is_hardware(spec.quant)) return plain;
  check_tables(plain, spec);
  return training_form(plain, hardware_model(spec.quant, spec.hw));
}

void start_weights(nn::Graph& model, const std::string& init, const Stream& stream) {
  const nn::Init rule = nn::parse_init(init);
  nn::Graph::members(model, [&](const std::string& name, auto& layer) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(layer)>, nn::Linear>)
      nn::initialise(rule, layer.weight, &layer.bias, stream.stream(name));
  });
}

State state_of(const nn::Graph& model) {
  State state;
  nn::for_each_leaf(model, [&](const std::string& path, const auto& leaf) {
    state.emplace_back(state_name(path), leaf.value.clone());
  });
  return state;
}

void load_state(nn::Graph& model, const State& state, const std::string& origin) {
  nn::for_each_leaf(model, [&](const std::string& path, auto& leaf) {
    const std::string name = state_name(path);
    const Tensor* found = find_tensor(state, name);
    if (found == nullptr) throw Error(ErrorKind::data, "the weights lack '" + name + "'", {origin, 0, 0, name});
    if (!(found->shape() == leaf.value.shape()))
      throw Error(ErrorKind::data,
                  text::cat("the weights hold another network: ", name, " is ", found->shape(), ", this model has ",
                            leaf.value.shape()),
                  {origin, 0, 0, name});
    copy_into(*found, leaf.value);
  });
}

Tensor predict(const nn::Graph& model, const Tensor& inputs) {
  const std::int64_t rows = inputs.size(0), out = model.output_shape().numel();
  Tensor result = Tensor::empty({rows, out});
  const std::int64_t blocks = (rows + kRowsPerBlock - 1) / kRowsPerBlock;
  parallel_blocks(blocks, [&](std::int64_t b) {
    const std::int64_t first = b * kRowsPerBlock, count = std::min(kRowsPerBlock, rows - first);
    const Tensor x = inputs.rows(first, count).to(Layout::lanes);
    const Tensor y = model(constant(x)).value().to(Layout::rows);
    std::copy_n(y.data<float>(), count * out, result.mut<float>() + first * out);
  });
  return result;
}

}  // namespace thimble::neurotrigger
