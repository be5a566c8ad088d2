#include "apps/neurotrigger/train/weights_flat.h"

#include "core/base/error.h"
#include "core/io/file.h"
#include "core/io/hdf5.h"
#include "core/io/hdf5_foreign.h"
#include "core/io/json.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace thimble::neurotrigger {
namespace {

constexpr std::int64_t kMostNodes = 1 << 16;
constexpr std::string_view kHdf5Magic = "\x89HDF";

[[noreturn]] void refuse_flat(const std::string& file, long line, const std::string& where, const std::string& what) {
  throw Error(ErrorKind::data, what, {file, line, 0, where},
              "a network is its numbers of nodes and, per output, the weights of its inputs and the bias");
}

std::string expert_key(int expert) {
  return text::cat("expert_", expert);
}

std::string layer_name(std::size_t layer, const char* part) {
  return text::cat("net.", 2 * layer, '.', part);
}

bool known_expert(std::int64_t expert) {
  return expert >= -1 && expert <= 4;
}

FlatNetwork network_from_json(const nlohmann::json& entry, const std::string& file, const std::string& key) {
  FlatNetwork network;
  if (!entry.is_object() || !entry.contains("nodes") || !entry.contains("weights") || !entry["nodes"].is_array() ||
      !entry["weights"].is_array())
    refuse_flat(file, 0, key, "'nodes' or 'weights' is missing");
  for (const auto& size : entry["nodes"]) {
    if (!size.is_number_integer()) refuse_flat(file, 0, key + ".nodes", "a number of nodes must be a whole number");
    network.nodes.push_back(size.get<std::int64_t>());
  }
  for (const auto& weight : entry["weights"]) {
    if (!weight.is_number()) refuse_flat(file, 0, key + ".weights", "a weight is no number");
    network.weights.push_back(static_cast<float>(weight.get<double>()));
  }
  return network;
}

Networks flat_from_json(std::string_view text, const std::string& name) {
  const nlohmann::json root = io::parse_json(text, name);
  Networks networks;
  for (const auto& [key, entry] : root.items()) {
    std::int64_t expert = 0;
    if (key.rfind("expert_", 0) != 0 || !text::parse(key.substr(7), expert) || !known_expert(expert)) continue;
    networks[static_cast<int>(expert)] = state_of_flat(network_from_json(entry, name, key), name + ", " + key);
  }
  if (networks.empty()) refuse_flat(name, 0, "", "no network of an expert in the file");
  return networks;
}

/// Collects the lines of one network after another.
class FlatReader {
 public:
  explicit FlatReader(std::string name) : name_(std::move(name)) {}

  void line(std::string_view text, long number) {
    if (const std::size_t at = text.find('#'); at != std::string_view::npos) text = text.substr(0, at);
    std::vector<std::string> words;
    for (std::string& word : text::split(spaced(text), ' '))
      if (!word.empty()) words.push_back(std::move(word));
    if (words.empty()) return;
    if (words[0] == "expert") return begin(words, number);
    if (!open_) refuse_flat(name_, number, "", "expected a line 'expert N'");
    if (words[0] == "nodes") {
      for (std::size_t i = 1; i < words.size(); ++i) network_.nodes.push_back(whole(words[i], number));
      return;
    }
    for (const std::string& word : words) {
      float weight = 0;
      if (!text::parse(word, weight))
        refuse_flat(name_, number, "", text::cat("'", text::printable(word), "' is no number"));
      network_.weights.push_back(weight);
    }
  }

  Networks finish() {
    close();
    if (networks_.empty()) refuse_flat(name_, 0, "", "no network of an expert in the file");
    return std::move(networks_);
  }

 private:
  static std::string spaced(std::string_view text) {
    std::string out(text);
    std::replace_if(
        out.begin(), out.end(), [](char c) { return c == '\t' || c == '\r' || c == ','; }, ' ');
    return out;
  }
  std::int64_t whole(const std::string& word, long number) const {
    std::int64_t value = 0;
    if (!text::parse(word, value))
      refuse_flat(name_, number, "", text::cat("'", text::printable(word), "' is no whole number"));
    return value;
  }
  void begin(const std::vector<std::string>& words, long number) {
    close();
    if (words.size() != 2 || !known_expert(whole(words[1], number)))
      refuse_flat(name_, number, "", "expected a line 'expert N', N from -1 to 4");
    expert_ = static_cast<int>(whole(words[1], number));
    if (networks_.count(expert_) != 0) refuse_flat(name_, number, "", text::cat("expert ", expert_, " comes twice"));
    open_ = true;
  }
  void close() {
    if (open_) networks_[expert_] = state_of_flat(network_, text::cat(name_, ", ", expert_key(expert_)));
    network_ = {};
    open_ = false;
  }

  std::string name_;
  Networks networks_;
  FlatNetwork network_;
  int expert_ = 0;
  bool open_ = false;
};

Networks networks_from_hdf5(const std::filesystem::path& path) {
  const io::Hdf5Tree tree = io::read_foreign_hdf5(path.string());
  Networks networks;
  for (const auto& [place, value] : tree.datasets) {
    const std::size_t end = place.find('/', 1);
    std::int64_t expert = 0;
    if (end == std::string::npos || place.rfind("/expert_", 0) != 0 ||
        !text::parse(std::string_view(place).substr(8, end - 8), expert) || !known_expert(expert) ||
        place.compare(end + 1, 6, "model.") != 0)
      continue;
    networks[static_cast<int>(expert)].emplace_back(place.substr(end + 7), value.numbers.tensor(DType::f32));
  }
  if (networks.empty())
    throw Error(ErrorKind::data, "no data set /expert_N/model.* in the file", {path.string(), 0, 0, ""},
                "export the weights again");
  return networks;
}

}  // namespace

FlatNetwork flat_network(const State& state) {
  FlatNetwork network;
  for (std::size_t layer = 0; 2 * layer < state.size(); ++layer) {
    const Tensor *weight = find_tensor(state, layer_name(layer, "weight")),
                 *bias = find_tensor(state, layer_name(layer, "bias"));
    if (weight == nullptr || bias == nullptr || weight->rank() != 2)
      throw Error(ErrorKind::data,
                  "only chains of linear layers have a flat form; this network has batch normalisation", {"", 0, 0, ""},
                  "export it as json or h5");
    if (layer == 0) network.nodes.push_back(weight->size(1));
    network.nodes.push_back(weight->size(0));
    for (std::int64_t o = 0; o < weight->size(0); ++o) {
      const float* row = weight->data<float>() + o * weight->size(1);
      network.weights.insert(network.weights.end(), row, row + weight->size(1));
      network.weights.push_back(bias->data<float>()[o]);
    }
  }
  return network;
}

State state_of_flat(const FlatNetwork& network, const std::string& origin) {
  std::int64_t wanted = 0;
  if (network.nodes.size() < 2) refuse_flat(origin, 0, "nodes", "a network has at least inputs and outputs");
  for (std::size_t i = 0; i < network.nodes.size(); ++i) {
    if (network.nodes[i] < 1 || network.nodes[i] > kMostNodes)
      refuse_flat(origin, 0, "nodes", "a layer has 1 to 65536 nodes");
    if (i > 0) wanted += (network.nodes[i - 1] + 1) * network.nodes[i];
  }
  if (static_cast<std::int64_t>(network.weights.size()) != wanted)
    refuse_flat(origin, 0, "weights", text::cat(network.weights.size(), " weights, these nodes need ", wanted));
  for (const float w : network.weights)
    if (!std::isfinite(w)) refuse_flat(origin, 0, "weights", "a weight does not fit a 32-bit float");
  State state;
  const float* next = network.weights.data();
  for (std::size_t layer = 0; layer + 1 < network.nodes.size(); ++layer) {
    const std::int64_t in = network.nodes[layer], out = network.nodes[layer + 1];
    const Tensor weight = Tensor::empty({out, in}), bias = Tensor::empty({out});
    for (std::int64_t o = 0; o < out; ++o, next += in + 1) {
      std::copy_n(next, in, weight.mut<float>() + o * in);
      bias.mut<float>()[o] = next[in];
    }
    state.emplace_back(layer_name(layer, "weight"), weight);
    state.emplace_back(layer_name(layer, "bias"), bias);
  }
  return state;
}

std::string flat_json(const Networks& networks) {
  std::string out = "{";
  for (const auto& [expert, state] : networks) {
    const FlatNetwork flat = flat_network(state);
    std::vector<std::string> nodes, weights;
    for (const std::int64_t size : flat.nodes) nodes.push_back(text::to_text(size));
    for (const float w : flat.weights) weights.push_back(io::json_number(static_cast<double>(w)));
    out += text::cat(out.size() > 1 ? ", " : "", '"', expert_key(expert), "\": {\"nodes\": [", text::join(nodes, ", "),
                     "], \"weights\": [", text::join(weights, ", "), "]}");
  }
  return out + "}\n";
}

std::string flat_text(const Networks& networks) {
  std::string out = "# per output: weights of its inputs, then the bias; layer by layer\n";
  for (const auto& [expert, state] : networks) {
    const FlatNetwork flat = flat_network(state);
    out += text::cat("expert ", expert, "\nnodes");
    for (const std::int64_t size : flat.nodes) out += text::cat(' ', size);
    for (const float w : flat.weights) out += text::cat('\n', text::shortest(w));
    out += '\n';
  }
  return out;
}

Networks parse_flat(std::string_view text, const std::string& name) {
  if (const std::string_view begin = text::trim(text); !begin.empty() && begin.front() == '{')
    return flat_from_json(text, name);
  FlatReader reader(name);
  long number = 1;
  for (; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    reader.line(text.substr(0, end), number);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return reader.finish();
}

std::string weights_hdf5(const Networks& networks) {
  io::Hdf5Tree tree;
  for (const auto& [expert, state] : networks)
    for (const auto& [name, tensor] : state)
      tree.datasets[text::cat('/', expert_key(expert), "/model.", name)].numbers = io::Array(tensor);
  return io::build_hdf5(tree);
}

Networks read_any_weights(const std::filesystem::path& path) {
  const std::string content = io::read_file(path, io::limits::kJsonBytes);
  if (content.rfind(kHdf5Magic, 0) == 0) return networks_from_hdf5(path);
  const bool original = content.find("\"shapes\"") != std::string::npos;
  return original ? parse_weights(content, path.string()) : parse_flat(content, path.string());
}

}  // namespace thimble::neurotrigger
