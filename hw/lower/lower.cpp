#include "hw/lower/lower.h"

#include "core/base/error.h"
#include "core/fixed/convert.h"

#include <cmath>

namespace thimble::hw {
namespace {

const nn::FakeQuant& input_format(const nn::Graph& network) {
  const auto* first = network.nodes().empty() ? nullptr : std::get_if<nn::FakeQuant>(&network.nodes()[0].layer);
  THIMBLE_CHECK(first, value, "lowering: the network must begin with the format of its input; quantise it first");
  return *first;
}

Format format_of(const fixed::Quantiser& q) {
  Format format{q.type};
  for (std::size_t c = 0; c < q.channel_f.size(); ++c) format.channels.push_back(q.channel(c));
  return format;
}

/// Walks the chain and appends what each node is in integers.
class Lowering {
 public:
  Lowering(const nn::Graph& network, const LowerOptions& options) : network_(network), options_(options) {}

  Graph run() {
    graph_.name = options_.name;
    const Shape& sample = network_.sample_shape();
    op::Input port{Dims(sample.begin(), sample.end()), format_of(input_format(network_).format)};
    if (options_.input) port.interval = {*options_.input};
    last_ = graph_.append("x", std::move(port));
    for (std::size_t i = 1; i < network_.nodes().size(); ++i) {
      node_ = &network_.nodes()[i];
      THIMBLE_CHECK(node_->sources[0] == static_cast<int>(i) - 1, value, where(),
                    "only chains of layers can be lowered");
      std::visit([this](const auto& layer) { lower(layer); }, node_->layer);
    }
    graph_.append("", op::Output{}, {last_});
    return std::move(graph_);
  }

 private:
  std::string where() const { return "lowering node " + node_->name + ": "; }

  std::int64_t integer(double value, const fixed::Quantiser& q, std::size_t channel, const std::string& what) const {
    const FxType type = q.channel(channel);
    if (!options_.refuse_saturation) return fixed::convert(value, type, q.round, q.overflow);
    return fixed::convert_or_refuse(value, type, q.round, what);
  }

  void lower(const nn::Linear& layer) {
    THIMBLE_CHECK(layer.weight_format && (layer.bias_format || !layer.has_bias), value, where(),
                  "weight and bias have no formats; quantise the network first");
    const Format& in = graph_.tensor(last_).format;
    THIMBLE_CHECK(in.uniform(), value, where(), "the channels of its input have different fractions");
    op::Cmvm op{.n_in = layer.in, .n_out = layer.out};
    op.frac.clear();
    op.weights.resize(static_cast<std::size_t>(layer.in * layer.out));
    const std::vector<double> w = layer.weight.value.to_vector();
    for (std::int64_t o = 0; o < layer.out; ++o) {
      const auto channel = static_cast<std::size_t>(o);
      op.frac.push_back(layer.weight_format->channel(channel).f);
      for (std::int64_t i = 0; i < layer.in; ++i)
        op.weights[static_cast<std::size_t>(i * layer.out + o)] =
            integer(w[static_cast<std::size_t>(o * layer.in + i)], *layer.weight_format, channel,
                    text::cat(node_->name, ".weight[", o, ",", i, "]"));
      if (layer.has_bias) op.bias.push_back(bias(layer, o, in.type.f + op.frac.back()));
    }
    if (std::equal(op.frac.begin() + 1, op.frac.end(), op.frac.begin())) op.frac.resize(1);
    last_ = graph_.append(node_->name, std::move(op), {last_});
  }

  /// Bias in the scale of the sum, f_acc fraction bits.
  std::int64_t bias(const nn::Linear& layer, std::int64_t o, int f_acc) const {
    const auto channel = static_cast<std::size_t>(o);
    const int shift = f_acc - layer.bias_format->channel(channel).f;
    THIMBLE_CHECK(shift >= 0 && shift < 62, value, where(), "the bias has ", -shift,
                  " fraction bits more than the sum");
    const double value = layer.bias.value.to_vector()[channel];
    return integer(value, *layer.bias_format, channel, text::cat(node_->name, ".bias[", o, "]")) *
           (std::int64_t{1} << shift);
  }

  void lower(const nn::LookUp& layer) {
    const int f = graph_.tensor(last_).format.type.f;
    THIMBLE_CHECK(f == layer.f_acc, value, where(), "the table expects sums with ", layer.f_acc,
                  " fraction bits, they have ", f);
    if (layer.window) {
      const op::Requant window{{layer.window->type}, layer.window->round, layer.window->overflow};
      last_ = graph_.append(node_->name + "_window", window, {last_});
    }
    const std::string table = table_name(layer);
    last_ = graph_.append(node_->name, op::Lut{.table = table, .fold = Fold::odd, .drop = layer.drop, .clamp = true},
                          {last_});
  }

  /// Equal tables are stored once.
  std::string table_name(const nn::LookUp& layer) {
    for (const Table& table : graph_.tables)
      if (table.values == layer.table && table.type == layer.out) return table.name;
    const std::string base = layer.real.kind == Act::tanh_half ? "tanh_half" : name_of(layer.real.kind);
    std::string name = graph_.tables.empty() ? base : text::cat(base, "_", graph_.tables.size());
    graph_.add_table({name, layer.out, layer.table});
    return name;
  }

  void lower(const nn::FakeQuant& layer) {
    const op::Requant requant{format_of(layer.format), layer.format.round, layer.format.overflow};
    last_ = graph_.append(node_->name, requant, {last_});
  }

  void lower(const nn::Activate& layer) {
    const Activation act = layer.function;
    int exponent = 0;
    const bool power = act.kind == Act::leaky_relu && std::frexp(std::abs(act.slope), &exponent) == 0.5;
    if (act.kind == Act::relu)
      last_ = graph_.append(node_->name, op::Relu{}, {last_});
    else if (power && exponent <= 1)
      last_ = graph_.append(node_->name, op::LeakyShift{1 - exponent, act.slope < 0 ? -1 : 1}, {last_});
    else if (act.kind != Act::none)
      fail(ErrorKind::value, where(), name_of(act.kind), " has no exact integer form; use a table");
  }

  void lower(const nn::Dropout&) {}  // the identity in use
  void lower(const nn::Flatten& layer) {
    const Shape& in = node_->sources[0] < 0 ? network_.sample_shape()
                                            : network_.nodes()[static_cast<std::size_t>(node_->sources[0])].shape;
    THIMBLE_CHECK(in.rank() == 1, value, where(), "only flat samples can be lowered, not ", in);
    static_cast<void>(layer);
  }
  void lower(const nn::WaveletBank&) {
    fail(ErrorKind::value, where(), "a wavelet bank has a lowering of its own (hw/lower/wavelet.h)");
  }
  void lower(const nn::BatchNorm&) { fail(ErrorKind::value, where(), "fold batch norms before quantising"); }

  const nn::Graph& network_;
  const LowerOptions& options_;
  const nn::Graph::Node* node_ = nullptr;
  Graph graph_;
  TensorId last_ = -1;
};

}  // namespace

Graph lower(const nn::Graph& network, const LowerOptions& options) {
  return Lowering(network, options).run();
}

std::vector<std::int64_t> input_integers(const nn::Graph& network, std::span<const float> sample) {
  std::vector<std::int64_t> integers(sample.size());
  fixed::quantise(sample, input_format(network).format, integers);
  return integers;
}

}  // namespace thimble::hw
