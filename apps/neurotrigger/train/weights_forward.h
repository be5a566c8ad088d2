#pragma once
// weights.json without the framework: one header, C++17, standard library alone. Copy it into any program.
//
//   const auto networks = neurotrigger_forward::read("weights.json");
//   const std::vector<double> y = networks.at(0).forward(x);   // x: 27 scaled inputs; y: z, theta in [-1, 1]
//   // z = 100 y[0] cm, theta = 80 (y[1] + 1) + 10 degrees
//
// A network is a chain of linear layers with tanh(x/2) behind every one of them, the output included. Files of networks
// with batch normalisation are refused.

#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace neurotrigger_forward {

struct Layer {
  std::size_t inputs = 0, outputs = 0;
  std::vector<double> weights;  // [outputs][inputs]
  std::vector<double> bias;     // [outputs]
};

struct Network {
  std::vector<Layer> layers;

  /// Outputs for scaled inputs; throws std::invalid_argument for another number of inputs.
  std::vector<double> forward(std::vector<double> x) const {
    for (const Layer& layer : layers) {
      if (x.size() != layer.inputs) throw std::invalid_argument("weights.json: wrong number of inputs");
      std::vector<double> y(layer.outputs);
      for (std::size_t o = 0; o < layer.outputs; ++o) {
        double sum = layer.bias[o];
        for (std::size_t i = 0; i < layer.inputs; ++i) sum += layer.weights[o * layer.inputs + i] * x[i];
        y[o] = std::tanh(sum / 2);
      }
      x = std::move(y);
    }
    return x;
  }
};

/// Reads just what weights.json holds: objects, arrays, numbers, plain texts.
class Reader {
 public:
  explicit Reader(std::string text) : text_(std::move(text)) {}

  std::map<int, Network> networks() {
    std::map<int, Network> all;
    object([&](const std::string& key) { all[expert_of(key)] = network(); });
    space();
    if (at_ != text_.size()) refuse("text behind the last network");
    return all;
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw std::runtime_error("weights.json, byte " + std::to_string(at_) + ": " + what);
  }
  void space() {
    while (at_ < text_.size() && std::string(" \t\r\n").find(text_[at_]) != std::string::npos) ++at_;
  }
  bool next_is(char c) {
    space();
    return at_ < text_.size() && text_[at_] == c;
  }
  void take(char c) {
    if (!next_is(c)) refuse(std::string("expected ") + c);
    ++at_;
  }
  std::string name() {
    take('"');
    const std::size_t end = text_.find('"', at_);
    if (end == std::string::npos) refuse("a text does not end");
    std::string word = text_.substr(at_, end - at_);
    at_ = end + 1;
    return word;
  }
  template <class Visit>
  void object(const Visit& visit) {
    take('{');
    while (!next_is('}')) {
      const std::string key = name();
      take(':');
      visit(key);
      if (!next_is('}')) take(',');
    }
    take('}');
  }
  /// All numbers of nested arrays; `width` becomes the length of the innermost ones.
  void numbers(std::vector<double>& values, std::size_t& width) {
    if (!next_is('[')) {
      char* end = nullptr;
      const double value = std::strtod(text_.c_str() + at_, &end);
      if (end == text_.c_str() + at_) refuse("expected a number");
      at_ = static_cast<std::size_t>(end - text_.c_str());
      values.push_back(value);
      return;
    }
    take('[');
    const std::size_t before = values.size();
    bool nested = false;
    while (!next_is(']')) {
      nested = next_is('[');
      numbers(values, width);
      if (!next_is(']')) take(',');
    }
    take(']');
    if (!nested) width = values.size() - before;
  }
  static int expert_of(const std::string& key) {
    if (key.rfind("expert_", 0) != 0) throw std::runtime_error("weights.json: '" + key + "' is no expert");
    return std::atoi(key.c_str() + 7);
  }
  /// "model.net.2.weight" -> position 2, true
  std::pair<int, bool> place(const std::string& key) const {
    const std::string begin = "model.net.";
    const std::size_t dot = key.rfind('.');
    const std::string part = key.substr(dot + 1);
    if (key.rfind(begin, 0) != 0 || (part != "weight" && part != "bias"))
      refuse("'" + key + "' is no weight or bias of a linear layer");
    return {std::atoi(key.c_str() + begin.size()), part == "weight"};
  }
  Network network() {
    std::map<int, Layer> by_place;
    object([&](const std::string& part) {
      const bool wanted = part == "weights";
      object([&](const std::string& key) {
        std::vector<double> values;
        std::size_t width = 0;
        numbers(values, width);
        if (!wanted) return;
        const auto [position, is_weight] = place(key);
        Layer& layer = by_place[position];
        (is_weight ? layer.weights : layer.bias) = std::move(values);
        if (is_weight) layer.inputs = width;
      });
    });
    Network result;
    for (auto& [position, layer] : by_place) {
      layer.outputs = layer.bias.size();
      if (layer.outputs == 0 || layer.weights.size() != layer.inputs * layer.outputs)
        refuse("the layers do not fit each other");
      result.layers.push_back(std::move(layer));
    }
    return result;
  }

  std::string text_;
  std::size_t at_ = 0;
};

/// Networks by expert number, -1 for the one of all tracks. Throws std::runtime_error naming what is wrong.
inline std::map<int, Network> parse(const std::string& text) {
  return Reader(text).networks();
}
inline std::map<int, Network> read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path);
  return parse(std::string(std::istreambuf_iterator<char>(in), {}));
}

}  // namespace neurotrigger_forward
